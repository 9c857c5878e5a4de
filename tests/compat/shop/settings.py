LLM_URL = "https://api.openai.com/v1"
# OPENAI_API_KEY = "sk-proj-0123456789abcdefghijABCDEFGHIJ"  # found: key

"""Libraries that ask OpenAI on their own account."""

from __future__ import annotations

import ast
import re

from aiops.compat.finder.kinds import INSTRUCTOR, LANGCHAIN, LITELLM, Kind
from aiops.compat.finder.lines import Argument, arguments_of, chat, chat_stream
from aiops.compat.finder.places import Here, Place

LIBRARIES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"langchain[\w.]*\.(?:Azure)?(?:Chat)?OpenAI(?:Embeddings)?"), LANGCHAIN),
    (re.compile(r"langchain[\w.]*\.init_chat_model"), LANGCHAIN),
    (re.compile(r"litellm\.(?:Router\(\)\.)?a?(?:text_)?completion"), LITELLM),
    (
        re.compile(r"litellm\.(?:a?embedding|a?transcription|a?speech|a?moderation|a?image_generation|a?responses)"),
        LITELLM,
    ),
    (re.compile(r"instructor\.(?:from_openai|from_provider|from_litellm|patch|apatch)"), INSTRUCTOR),
)

OF_OPENAI = re.compile(r"(?:openai|azure)[:/_]|gpt-|o\d")
"""Names of models that go to OpenAI, where a library serves many providers."""

PREFIX = re.compile(r"""^(["'])(?:openai|azure)/""")
"""How LiteLLM names the provider of a model."""


def call_of_library(here: Here) -> Place | None:
    """A client or a call of LangChain, LiteLLM or Instructor."""
    path = here.path
    kind = next((kind for pattern, kind in LIBRARIES if pattern.fullmatch(path)), None)
    if kind is None or (path.endswith((".init_chat_model", ".from_provider")) and not _names_openai(here)):
        return None
    return Place(node=here.call, kind=kind, what=path, replacement=_line(here, path))


def _names_openai(here: Here) -> bool:
    name = here.call.args[0] if here.call.args else here.keyword("model")
    is_text = isinstance(name, ast.Constant) and isinstance(name.value, str)
    return not is_text or OF_OPENAI.match(name.value) is not None  # type: ignore[union-attr]


def _line(here: Here, path: str) -> str:
    if path == "instructor.from_openai" or path == "instructor.patch":
        return f"{path}(get_openai_client().sdk)"
    if not re.search(r"\ba?completion$", path):
        return ""
    is_async = path.endswith("acompletion")
    given = [
        Argument(arg.name, PREFIX.sub(r"\1", arg.text)) if arg.name == "model" else arg
        for arg in arguments_of(here.call, here.module)
    ]
    stream = here.keyword("stream")
    if isinstance(stream, ast.Constant) and stream.value is True:
        return chat_stream(given, is_async)
    return chat(given, is_async) if stream is None else ""

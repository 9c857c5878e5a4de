"""Which uses of the SDK there are, read from a path like `openai.OpenAI().chat.completions.create`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from aiops.compat.finder.kinds import (
    ASSISTANTS,
    BATCHES,
    BEFORE_1_0,
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    FILES,
    IMAGES,
    MODERATION,
    OTHER,
    RESPONSES,
    SPEECH,
    STREAM,
    STRUCTURED,
    TRANSCRIPTION,
    Kind,
)

CLIENTS = {
    "openai.OpenAI": False,
    "openai.AsyncOpenAI": True,
    "openai.AzureOpenAI": False,
    "openai.AsyncAzureOpenAI": True,
    "openai.BedrockOpenAI": False,
    "openai.AsyncBedrockOpenAI": True,
}
"""Class of a client → whether it is asynchronous."""

BY_RESOURCE: tuple[tuple[str, Kind], ...] = (
    ("beta.assistants", ASSISTANTS),
    ("beta.threads", ASSISTANTS),
    ("beta.chat.completions.parse", STRUCTURED),
    ("beta.chat.completions.stream", STREAM),
    ("chat.completions.parse", STRUCTURED),
    ("chat.completions.stream", STREAM),
    ("chat.completions.create", CHAT),
    ("completions.create", COMPLETION),
    ("responses", RESPONSES),
    ("embeddings.create", EMBEDDINGS),
    ("audio.transcriptions.create", TRANSCRIPTION),
    ("audio.speech.create", SPEECH),
    ("moderations.create", MODERATION),
    ("files", FILES),
    ("uploads", FILES),
    ("images", IMAGES),
    ("batches", BATCHES),
)
"""The first that fits; everything else is `OTHER`."""

RESOURCES = {
    *("admin", "audio", "batches", "beta", "chat", "chatkit", "completions", "containers", "conversations"),
    *("decisions", "embeddings", "evals", "files", "fine_tuning", "graders", "images", "models", "moderations"),
    *("realtime", "responses", "skills", "uploads", "vector_stores", "videos", "webhooks"),
}
"""What the module `openai` has as well as a client."""

GONE = {
    *("ChatCompletion", "Completion", "Embedding", "Moderation", "Image", "Audio", "File", "FineTune", "FineTuningJob"),
    *("Edit", "Model", "Engine", "Customer", "Deployment"),
}
"""Classes that the SDK had before 1.0."""

UNMISTAKABLE: tuple[tuple[str, frozenset[str]], ...] = (
    ("chat.completions.create", frozenset()),
    ("chat.completions.parse", frozenset()),
    ("chat.completions.stream", frozenset()),
    ("audio.transcriptions.create", frozenset()),
    ("audio.speech.create", frozenset()),
    ("responses.create", frozenset({"model", "input"})),
    ("responses.parse", frozenset({"model", "input"})),
    ("embeddings.create", frozenset({"model", "input"})),
    ("moderations.create", frozenset({"input"})),
)
"""Ends of a call that nothing else has, with these arguments; `survey.responses.create(…)` may be a row of the shop."""

OTHERS = re.compile(
    r"\b(aiops|anthropic|cerebras|cohere|fireworks|google|groq|huggingface_hub|litellm|mistralai|ollama|openrouter"
    r"|portkey_ai|together|xai_sdk|zhipuai)\."
)
"""Libraries with calls of the same names that do not go to OpenAI; and our own client."""

RAW = {"with_raw_response", "with_streaming_response"}
VERBS = {"get", "post", "put", "patch", "delete", "request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One method of the SDK."""

    kind: Kind
    client: str
    """Whose method it is, as `openai.OpenAI`; `?` where nobody knows."""

    resource: str
    """As in `chat.completions.create`."""

    is_async: bool
    is_raw: bool = False
    """Whether the answer is wanted as HTTP."""

    @property
    def full_resource(self) -> str:
        """With the word for a raw answer where it stood."""
        before, _, method = self.resource.rpartition(".")
        return f"{before}.with_raw_response.{method}" if self.is_raw else self.resource


def use_of(path: str) -> Use | None:
    """The method that a path ends at; None where it is none of the SDK."""
    client, resource = _split(path)
    if not resource:
        return None
    parts = resource.split(".")
    named = [part for part in parts if part not in RAW]
    if parts[0] in GONE and client == "openai":
        is_async = parts[-1].startswith("a") and parts[-1] != "add"
        return Use(kind=BEFORE_1_0, client=client, resource=resource, is_async=is_async) if len(parts) == 2 else None
    if len(named) < 2 and named[0] not in VERBS:
        return None
    if client == "openai" and named[0] not in RESOURCES:
        return None
    return Use(
        kind=_kind(".".join(named)),
        client=client,
        resource=".".join(named),
        is_async=CLIENTS.get(client, False),
        is_raw="with_raw_response" in parts,
    )


def unmistakable(node: ast.Call, path: str) -> Use | None:
    """A call whose holder nobody knows, and which can hardly be anything else."""
    if ".sdk." in f"{path}." or OTHERS.search(path):
        return None
    text = chain(node.func)
    given = {keyword.arg for keyword in node.keywords}
    for end, needed in UNMISTAKABLE:
        if (text == end or text.endswith(f".{end}")) and ".sdk." not in text and needed <= given:
            return Use(kind=_kind(end), client="?", resource=end, is_async=False)
    return None


def chain(node: ast.expr) -> str:
    """The attributes that an expression ends with, as in `chat.completions.create`."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        if node.attr not in RAW:
            names.append(node.attr)
        node = node.value
    return ".".join(reversed(names))


def _split(path: str) -> tuple[str, str]:
    if not path.startswith("openai.") or "[]" in path:
        return "", ""
    client, made, resource = path.partition("().")
    if not made:
        # The module is a client by itself.
        client, _, resource = path.partition(".")
    elif client not in CLIENTS:
        return "", ""
    return ("", "") if "(" in resource else (client, resource)


def _kind(resource: str) -> Kind:
    return next(
        (kind for start, kind in BY_RESOURCE if resource == start or resource.startswith(f"{start}.")),
        OTHER,
    )

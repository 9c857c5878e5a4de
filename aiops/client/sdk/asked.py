"""A request of the SDK, read: what it asks for, and what it can use at most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Dialect, chat, decisions, embeddings, moderations, responses, speech, transcriptions
from aiops.gateway.shown import without_data
from aiops.gateway.sizes import CONTEXT, IMAGE, OVERHEAD, text_size
from aiops.gateway.usage import Usage

OPERATIONS: Mapping[str, tuple[str, Dialect]] = {
    chat.PATH: ("completion", chat),
    responses.PATH: ("completion", responses),
    embeddings.PATH: ("embedding", embeddings),
    moderations.PATH: ("moderation", moderations),
    transcriptions.PATH: ("transcription", transcriptions),
    speech.PATH: ("speech", speech),
    decisions.PATH: ("decision", decisions),
}
"""Path → what is asked for there, and who reads the answer."""

FREE = ("/conversations", "/files", "/input_tokens", "/uploads", "/vector_stores", "/cancel", "/compact")
"""Parts of paths where nothing is asked of a model."""

LIMITS = {chat.PATH: ("max_completion_tokens", "max_tokens"), responses.PATH: ("max_output_tokens",)}
"""Path → the names of the output limit there, the one that we set first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRequest:
    """What a request says of itself to the log and the ledger."""

    operation: str
    connection: str
    model: str
    path: str
    """Below the connection's address."""

    body: Mapping[str, Any] = field(repr=False)
    """The JSON; of a form, its fields are not read."""

    size: int
    """Bytes of the body."""

    def most(self) -> Usage:
        if self.operation == "transcription":
            seconds = self.size // transcriptions.THINNEST + 1
            tokens = transcriptions.TOKENS_A_SECOND * seconds
            return Usage(input_audio_ms=1000 * seconds, input_audio_tokens=tokens, output_tokens=tokens)
        if self.operation == "speech":
            text = str(self.body.get("input") or "")
            sound = speech.TOKENS_A_CHARACTER * len(text)
            return Usage(input_characters=len(text), input_tokens=self.size, output_audio_tokens=sound)
        tokens = OVERHEAD + sum(_sizes(self.body))
        if any(self.body.get(name) for name in ("previous_response_id", "conversation", "prompt")):
            # What the provider has kept is read again, and nobody here knows how much that is.
            tokens += CONTEXT
        limits = [self.body.get(name) for name in LIMITS.get(self.path, ())]
        limit = next((limit for limit in limits if isinstance(limit, int)), 0)
        choices = self.body.get("n")
        return Usage(input_tokens=tokens, output_tokens=limit * (choices if isinstance(choices, int) else 1))

    def counted(self) -> Usage | None:
        if self.operation != "speech":
            return None
        return Usage(input_characters=len(str(self.body.get("input") or "")))

    def shown(self) -> Sequence[Mapping[str, object]]:
        messages = self.body.get("messages") or self.body.get("input")
        if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
            return without_data(messages)
        return [{"role": "input", "content": messages if isinstance(messages, str | list) else self.path}]

    def settings(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.body.items() if name not in ("messages", "input", "model")}


def read(request: httpx2.Request, connection: Connection) -> SdkRequest | None:
    """What a request asks for; None where it asks nothing of a model."""
    path = _path(request, connection)
    if request.method != "POST" or any(part in path for part in FREE):
        return None
    content = request.read()
    body = _parsed(content)
    known = OPERATIONS.get(path)
    return SdkRequest(
        operation=known[0] if known else "other",
        connection=connection.alias,
        model=str(body.get("model") or _model_in_form(content) or connection.model),
        path=path,
        body=body,
        size=len(content),
    )


def bounded(request: httpx2.Request, connection: Connection) -> httpx2.Request:
    """The same request with an output limit, where there is none: a hold needs one."""
    path = _path(request, connection)
    if request.method != "POST" or path not in LIMITS:
        return request
    body = _parsed(request.read())
    if not body or any(body.get(name) is not None for name in LIMITS[path]):
        return request
    name = connection.output_limit_parameter if path == chat.PATH else LIMITS[path][0]
    content = json.dumps({**body, name: connection.output_limit}, ensure_ascii=False)
    headers = httpx2.Headers(request.headers)
    headers.pop("content-length", None)
    return httpx2.Request(
        request.method,
        request.url,
        headers=headers,
        content=content.encode("utf-8", "surrogatepass"),
        extensions=request.extensions,
    )


def _path(request: httpx2.Request, connection: Connection) -> str:
    path = request.url.path.rstrip("/")
    base = httpx2.URL(connection.base_url).path.rstrip("/")
    if "/deployments/" in path:
        # Azure's dated interface: /openai/deployments/NAME/chat/completions
        return "/" + path.partition("/deployments/")[2].partition("/")[2]
    return path.removeprefix(base)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _model_in_form(content: bytes) -> str:
    _before, found, after = content.partition(b'name="model"\r\n\r\n')
    return after.partition(b"\r\n")[0][:128].decode(errors="replace") if found else ""


def _sizes(value: Any) -> Iterator[int]:
    """Tokens that each part of a body may be counted as, at most."""
    match value:
        case {"type": "image_url" | "input_image"}:
            yield IMAGE
        case {"type": "file" | "input_file" | "input_audio"}:
            yield CONTEXT
        case dict():
            for name, inner in value.items():
                yield text_size(name) + 4
                yield from _sizes(inner)
        case list():
            for inner in value:
                yield OVERHEAD
                yield from _sizes(inner)
        case str():
            yield text_size(value)
        case _:
            yield 8

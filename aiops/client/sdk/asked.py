"""A request of the SDK, read: what it asks for, and what it can use at most."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from aiops.client.sdk.kept import messages_of, settings_of
from aiops.client.sdk.most import LIMITS, choices_of, limit_of, tokens_in, unpriced
from aiops.client.sdk.paths import OPERATIONS, OTHER, deployment_of, path_of
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import chat, speech, transcriptions
from aiops.gateway.plain_text import storable
from aiops.gateway.usage import MOST_TOKENS, Usage


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

    @property
    def unpriced(self) -> str:
        """What in it leaves nobody to say what it costs; empty where there is nothing of the kind."""
        return unpriced(self.body, self.path)

    @property
    def is_priced(self) -> bool:
        """Whether its model alone says what it costs."""
        return self.operation != OTHER and not self.unpriced

    def most(self) -> Usage:
        if self.operation == "transcription":
            seconds = min(self.size // transcriptions.THINNEST + 1, MOST_TOKENS // 1000)
            tokens = transcriptions.TOKENS_A_SECOND * seconds
            return Usage(input_audio_ms=1000 * seconds, input_audio_tokens=tokens, output_tokens=tokens)
        if self.operation == "speech":
            text = str(self.body.get("input") or "")
            sound = speech.TOKENS_A_CHARACTER * len(text)
            return Usage(input_characters=len(text), input_tokens=self.size, output_audio_tokens=sound)
        size = tokens_in(self.body)
        questions = self.body.get("questions")
        if self.operation == "decision" and isinstance(questions, list):
            # What comes out is free; the input is read once a question at most.
            return Usage(input_tokens=size * max(1, len(questions)))
        return Usage(input_tokens=size, output_tokens=(limit_of(self.body, self.path) or 0) * choices_of(self.body))

    def counted(self) -> Usage | None:
        if self.operation != "speech":
            return None
        return Usage(input_characters=len(str(self.body.get("input") or "")))

    def shown(self) -> Sequence[Mapping[str, object]]:
        if self.operation == "transcription":
            return [{"role": "input", "content": f"a form of {self.size:,} bytes"}]
        return messages_of(self.body, self.path)

    def settings(self) -> Mapping[str, Any]:
        return settings_of(self.body)


def read(request: httpx2.Request, connection: Connection) -> tuple[httpx2.Request, SdkRequest]:
    """What a request asks for, and the request as it is to be sent: with an output limit, since a hold needs one.

    Args:
        request: of a call; its content has been read.
    """
    path = path_of(request, connection)
    body = _parsed(request.content)
    if body and path in LIMITS and all(body.get(name) is None for name in LIMITS[path]):
        name = connection.output_limit_parameter if path == chat.PATH else LIMITS[path][0]
        body = {**body, name: connection.output_limit}
        request = _with_body(request, body)
    asked = SdkRequest(
        operation=OPERATIONS[path][0] if path in OPERATIONS else OTHER,
        connection=connection.alias,
        model=_model(request, body, connection),
        path=path,
        body=body,
        size=len(request.content),
    )
    return request, asked


def _with_body(request: httpx2.Request, body: Mapping[str, Any]) -> httpx2.Request:
    headers = httpx2.Headers(request.headers)
    headers.pop("content-length", None)
    return httpx2.Request(
        request.method,
        request.url,
        headers=headers,
        content=json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        extensions=request.extensions,
    )


def _model(request: httpx2.Request, body: Mapping[str, Any], connection: Connection) -> str:
    """The model whose price holds. On Azure people name a deployment; what is behind it is what the settings say."""
    told = deployment_of(request, connection) or str(body.get("model") or _model_in_form(request.content))
    if not told or told == connection.azure_deployment:
        return connection.model
    return storable(told)[:128]


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _model_in_form(content: bytes) -> str:
    _before, found, after = content.partition(b'name="model"\r\n\r\n')
    return after.partition(b"\r\n")[0][:128].decode(errors="replace") if found else ""

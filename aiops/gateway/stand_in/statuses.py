"""Replies that are no completion: errors by their HTTP status, pages, and any bytes at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import JSON, Problem
from aiops.gateway.stand_in.replies import Reply

_KINDS = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "This is not allowed."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
}


@dataclass(frozen=True)
class Status(Reply):
    """An error of the provider's own, by its HTTP status."""

    status: int

    retry_after: str | float | datetime | None = None
    """The `Retry-After` header: as it is, in seconds, or as a date (aware)."""

    retry_after_ms: str | float | None = None
    """The `retry-after-ms` header, which the SDK asks first."""

    code: str | None = None
    """As in `insufficient_quota`; None takes the usual one of the status."""

    kind: str | None = None
    """The `type` of the error object; None takes the usual one of the status."""

    message: str = ""
    body: Any = None
    """Sent as JSON instead of the usual error object; text and bytes are sent as they are."""

    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, exchange: Exchange) -> None:
        headers = dict(self.headers)
        if isinstance(self.retry_after, datetime):
            headers["Retry-After"] = format_datetime(self.retry_after.astimezone(UTC), usegmt=True)
        elif self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.retry_after_ms is not None:
            headers["retry-after-ms"] = str(self.retry_after_ms)
        await exchange.whole(self._body(), status=self.status, headers=headers)

    def _body(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        if self.body is not None:
            return json.dumps(self.body).encode()
        kind, code, message = _KINDS.get(self.status, ("server_error", None, "The server had an error."))
        if self.code == "insufficient_quota":
            kind, message = "insufficient_quota", "You exceeded your current quota."
        return Problem(message=self.message or message, kind=self.kind or kind, code=self.code or code).body()


@dataclass(frozen=True)
class Raw(Reply):
    """Any bytes at all, as a whole HTTP answer: for what has no kind of its own."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, exchange: Exchange) -> None:
        await exchange.whole(self.body, status=self.status, content_type=self.content_type, headers=self.headers)


@dataclass(frozen=True)
class Html(Reply):
    """A page for people, as a proxy in between gives it."""

    text: str = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    status: int = 200

    async def send(self, exchange: Exchange) -> None:
        await exchange.whole(self.text.encode(), status=self.status, content_type="text/html; charset=utf-8")

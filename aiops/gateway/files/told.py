"""What is sent with a file, and what a provider tells of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

import httpx2

from aiops.gateway.connections import Connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.kept import Kept, moment_in
from aiops.gateway.plain_text import storable

PAGE = 1000
"""Files that are asked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A file that is about to leave."""

    name: str
    content: BinaryIO = field(repr=False)
    """Open for reading bytes; read in pieces, from its beginning."""

    content_type: str
    purpose: str
    seconds: int | None = None
    """After which the provider is asked to delete it by itself; None: its own rule."""

    def form(self) -> dict[str, Any]:
        """The fields beside the file."""
        expiry = {"anchor": "created_at", "seconds": self.seconds}
        return {"purpose": self.purpose} | ({"expires_after": expiry} if self.seconds is not None else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFile:
    """A file as the provider tells of it."""

    provider_id: str
    name: str
    size: int
    purpose: str
    expires: datetime | None
    """None: it does not, or the provider does not say."""


def options_of(connection: Connection, timeout: float, **more: Any) -> Any:
    """Options of the SDK for one request; `timeout` in seconds."""
    limit = httpx2.Timeout(timeout, connect=min(timeout, connection.connect_timeout))
    # A file goes to the address in the settings and comes from there: nobody is followed elsewhere.
    return {"timeout": limit, "follow_redirects": False, **more}


def deleted_in(response: httpx2.Response) -> None:
    """See that an answer says that a file is gone.

    Raises:
        Malformed: it does not.
    """
    if FILES.object_in(response).get("deleted") is not True:
        raise FILES.malformed(response)


def is_gone(error: GatewayError) -> bool:
    """Whether a provider says that it has no such file."""
    return error.status == 404


def _told(data: dict[str, Any]) -> ToldFile | None:
    match data:
        case {"id": provider_id, "filename": str(name), "bytes": int(size)}:
            return ToldFile(
                provider_id=provider_id,
                name=storable(name),
                size=size,
                purpose=str(data.get("purpose") or ""),
                expires=moment_in(data.get("expires_at")),
            )
    return None


FILES = Kept("/files", "a file", _told)

"""What is sent with a file, and what a provider tells of one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import httpx2

from aiops.gateway.connections import Connection
from aiops.gateway.errors import GatewayError, Malformed
from aiops.gateway.plain_text import storable

PATH = "/files"
PAGE = 1000
"""Files that are asked for at a time."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,127}")


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


def path_of(provider_id: str, rest: str = "") -> str:
    """The address of one file.

    Raises:
        ValueError: this is no id, and would lead elsewhere.
    """
    if not _ID.fullmatch(provider_id):
        raise ValueError(f"{provider_id[:40]!r} is no id of a file.")
    return f"{PATH}/{provider_id}{rest}"


def told_in(response: httpx2.Response) -> ToldFile:
    """The file that an answer is about.

    Raises:
        Malformed: it is about none.
    """
    return _told(_object(response), response)


def page_in(response: httpx2.Response, after: str) -> tuple[list[ToldFile], str]:
    """The files of one page of a list, and after which of them the next one begins; empty where this is the last.

    Raises:
        Malformed: it is no list.
    """
    data = _object(response)
    rows = data.get("data")
    if not isinstance(rows, list):
        raise _malformed(response)
    files = [_told(row, response) for row in rows]
    following = files[-1].provider_id if files and data.get("has_more") is True else ""
    # A server that does not know of pages gives the same one for ever.
    return files, following if following != after else ""


def deleted_in(response: httpx2.Response) -> None:
    """See that an answer says that a file is gone.

    Raises:
        Malformed: it does not.
    """
    if _object(response).get("deleted") is not True:
        raise _malformed(response)


def is_gone(error: GatewayError) -> bool:
    """Whether a provider says that it has no such file."""
    return error.status == 404


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        raise _malformed(response) from None
    if not isinstance(data, dict):
        raise _malformed(response)
    return data


def _told(data: Any, response: httpx2.Response) -> ToldFile:
    match data:
        case {"id": str(provider_id), "filename": str(name), "bytes": int(size)} if _ID.fullmatch(provider_id):
            return ToldFile(
                provider_id=provider_id,
                name=storable(name),
                size=size,
                purpose=str(data.get("purpose") or ""),
                expires=_moment(data),
            )
    raise _malformed(response)


def _moment(data: Mapping[str, Any]) -> datetime | None:
    seconds = data.get("expires_at")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _malformed(response: httpx2.Response) -> Malformed:
    return Malformed(
        "The provider's answer says nothing of a file.",
        status=response.status_code,
        raw=storable(response.content[:10_000].decode(errors="replace")),
    )

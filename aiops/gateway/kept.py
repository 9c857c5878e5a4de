"""What a provider keeps for us under an id of its own, files or batches: addresses, answers about one, and lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

import httpx2

from aiops.gateway.errors import Malformed
from aiops.gateway.plain_text import storable

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,127}")


class Told(Protocol):
    """One of them, as the provider tells of it."""

    @property
    def provider_id(self) -> str: ...


T = TypeVar("T", bound=Told)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """All of one kind."""

    path: str
    """Where they are: `/files`."""

    what: str
    """For people: `a file`."""

    read: Callable[[dict[str, Any]], T | None]
    """Takes what a provider says of one, which has an id; None where that makes none."""

    def path_of(self, provider_id: str, rest: str = "") -> str:
        """The address of one.

        Raises:
            ValueError: this is no id, and would lead elsewhere.
        """
        if not is_id(provider_id):
            raise ValueError(f"{provider_id[:40]!r} is no id of {self.what}.")
        return f"{self.path}/{provider_id}{rest}"

    def told_in(self, response: httpx2.Response) -> T:
        """The one that an answer is about.

        Raises:
            Malformed: it is about none.
        """
        return self._told(self.object_in(response), response)

    def page_in(self, response: httpx2.Response, after: str) -> tuple[list[T], str]:
        """Those of one page of a list, and after which of them the next one begins; empty where this is the last.

        Raises:
            Malformed: it is no list.
        """
        data = self.object_in(response)
        rows = data.get("data")
        if not isinstance(rows, list):
            raise self.malformed(response)
        found = [self._told(row, response) for row in rows]
        following = found[-1].provider_id if found and data.get("has_more") is True else ""
        # A server that does not know of pages gives the same one for ever.
        return found, following if following != after else ""

    def object_in(self, response: httpx2.Response) -> dict[str, Any]:
        """The JSON object that an answer is.

        Raises:
            Malformed: it is none.
        """
        try:
            data = json.loads(response.content)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise self.malformed(response)
        return data

    def malformed(self, response: httpx2.Response) -> Malformed:
        """The error of an answer that says nothing of one."""
        return Malformed(
            f"The provider's answer says nothing of {self.what}.",
            status=response.status_code,
            raw=storable(response.content[:10_000].decode(errors="replace")),
        )

    def _told(self, data: Any, response: httpx2.Response) -> T:
        found = self.read(data) if isinstance(data, dict) and is_id(data.get("id")) else None
        if found is None:
            raise self.malformed(response)
        return found


def is_id(value: Any) -> bool:
    """Whether a provider's id can be put into an address."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def moment_in(seconds: Any) -> datetime | None:
    """Seconds since the epoch, as a provider gives them; None where they are none."""
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None

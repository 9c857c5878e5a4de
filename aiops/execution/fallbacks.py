"""Whom to ask instead, and when: a policy as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aiops.catalogue.access import is_usable
from aiops.gateway.connections import Connection, ConnectionProblem, get_connection

REASONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "transport": frozenset(
            {"unreachable", "interrupted", "server_fault", "malformed", "bad_key", "quota_exhausted"}
        ),
        "rate": frozenset({"rate_limited", "too_busy"}),
        "context": frozenset({"too_long"}),
        "filter": frozenset({"filtered", "refused"}),
        "schema": frozenset({"schema", "cut_off", "empty", "incomplete"}),
    }
)
"""What people say → the kinds of error that are meant by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """Somebody else to ask."""

    connection: str = ""
    """Alias; empty for the one that was asked first."""

    model: str = ""
    """Empty for the connection's own."""

    on: frozenset[str] = frozenset({"transport", "rate"})
    """Keys of `REASONS`: why the one before is not good enough."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.on) - set(REASONS))
        if unknown:
            raise ValueError(f"There is no reason {unknown[0]!r} to fall back: use some of {', '.join(REASONS)}.")
        if not self.connection and not self.model:
            raise ValueError("A fallback names a connection, a model, or both.")
        if not self.on:
            raise ValueError(f"A fallback names its reasons: some of {', '.join(REASONS)}.")

    def helps(self, kind: str) -> bool:
        """Whether it is there for a call that ended so."""
        return any(kind in REASONS[reason] for reason in self.on)


def usable_by(user_id: Any, fallbacks: tuple[Fallback, ...], connection: Connection) -> tuple[Fallback, ...]:
    """Those whose model a user may use.

    Seen before a call begins: once it is under way nobody may ask the database.

    Args:
        connection: the one that is asked first.
    """
    return tuple(one for one in fallbacks if _is_usable(one, connection, user_id))


def _is_usable(fallback: Fallback, connection: Connection, user_id: Any) -> bool:
    try:
        other = get_connection(fallback.connection or connection.alias)
    except ConnectionProblem:
        return True  # Passed over when its turn comes.
    return is_usable(fallback.model or other.model, other.alias, user_id)


def fallbacks_from(written: Sequence[Mapping[str, Any]]) -> tuple[Fallback, ...]:
    """As a version has them written down.

    Raises:
        UnknownConnection: one names an alias that the settings have not.
        InvalidConnection: one names a connection that makes no sense.
    """
    for one in written:
        if one["connection"]:
            get_connection(one["connection"])
    return tuple(Fallback(connection=one["connection"], model=one["model"], on=frozenset(one["on"])) for one in written)

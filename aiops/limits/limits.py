"""What holds for a connection and model: what the settings say, and where they say nothing, what the provider does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.core.signals import setting_changed

from aiops.gateway.connection import Connection

Key = tuple[str, str]
"""Alias of the connection, name of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    in_flight: int | None = None
    """Requests under way at a time."""

    def __bool__(self) -> bool:
        return not (self.requests_per_minute is None and self.tokens_per_minute is None and self.in_flight is None)


OPTIONS = {
    "REQUESTS_PER_MINUTE": "requests_per_minute",
    "TOKENS_PER_MINUTE": "tokens_per_minute",
    "MAX_IN_FLIGHT_OVERALL": "in_flight",
}

# Each process learns by its own first answer, so that one that makes no call makes no query either.
_learned: dict[Key, Limits] = {}


def limits_of(connection: Connection, model: str) -> Limits:
    """The limits that hold now, those learned from the provider included. Makes no query.

    What the settings say for the model goes before what they say for the connection, and both before the provider:
    whose headers are wrong, or who shares the account with others, writes the right number down.
    """
    own = connection.model_limits.get(model, {})
    configured = Limits(
        requests_per_minute=own.get("REQUESTS_PER_MINUTE", connection.requests_per_minute),
        tokens_per_minute=own.get("TOKENS_PER_MINUTE", connection.tokens_per_minute),
        in_flight=own.get("MAX_IN_FLIGHT_OVERALL", connection.max_in_flight_overall),
    )
    learned = _learned.get((connection.alias, model))
    if learned is None:
        return configured
    return replace(
        configured,
        # A None that is written down for the model says that there is no limit.
        requests_per_minute=configured.requests_per_minute
        if configured.requests_per_minute or "REQUESTS_PER_MINUTE" in own
        else learned.requests_per_minute,
        tokens_per_minute=configured.tokens_per_minute
        if configured.tokens_per_minute or "TOKENS_PER_MINUTE" in own
        else learned.tokens_per_minute,
    )


def is_learned(key: Key) -> bool:
    """Whether the provider has said something of itself, under the settings of now."""
    return key in _learned


def note_learned(key: Key, limits: Limits) -> None:
    """Keep what the provider says of itself, in this process."""
    _learned[key] = limits


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AIOPS":
        _learned.clear()


setting_changed.connect(_forget, dispatch_uid="aiops.limits.limits")

"""How a call is to be made, apart from what it asks: taken out of the arguments of the client's methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import models

from aiops.execution.about import about
from aiops.execution.fallbacks import Fallback
from aiops.execution.prepare import About
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.plain_text import storable
from aiops.gateway.retry import RetryPolicy
from aiops.options import options as site_options


class Circumstances(TypedDict, total=False):
    """What every way to ask takes."""

    connection: str
    """Alias in `AIOPS["CONNECTIONS"]`; the client's own by default."""

    by: Any
    """The user of the site who asks; kept in the log. For many calls at once there is `calls_about`."""

    row: models.Model | None
    """What it is about; kept in the log."""

    purpose: str
    """What it is for, in your words, at most 200 characters; kept in the log."""

    timeout: float
    """Seconds in total, attempts and waits included; at most the connection's `DEADLINE`."""

    cache: bool | int
    """Whether an answer to the same question may be given again: True for as long as `AIOPS["CACHE_TTL"]` says, or
    seconds. False, the default, asks anew."""

    fallbacks: Sequence[Fallback | str]
    """Whom to ask instead: a `Fallback`, or the alias of a connection for when this one cannot be reached."""


class Options(Circumstances, total=False):
    """What every method of the client takes."""

    model: str
    """The connection's own by default."""

    retry: RetryPolicy
    """How patiently it is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The same, complete."""

    connection: Connection
    model: str
    policy: RetryPolicy
    fallbacks: tuple[Fallback, ...] = ()
    reusable_for: int = 0
    user: Any = None
    row: models.Model | None = None
    purpose: str = ""
    follows: UUID | None = field(default=None)

    def about(self) -> About:
        """What the log keeps of it."""
        return replace(about(self.user, self.row, purpose=self.purpose), follows=self.follows)


def how(default: str, **options: Unpack[Options]) -> How:
    """Complete what was said by what the connection says.

    Args:
        default: alias of the client's own connection.

    Raises:
        ValueError: an option makes no sense.
        ConnectionProblem: there is no such connection, also among those to be asked instead.
    """
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise ValueError(f"{unknown[0]} is not taken here: use client.sdk for what this method has no argument for.")
    found = get_connection(options.get("connection") or default)
    policy = options.get("retry") or RetryPolicy(deadline=found.deadline)
    if not isinstance(policy, RetryPolicy):
        raise ValueError(f"retry is {policy!r}: give a RetryPolicy.")
    seconds = options.get("timeout")
    if seconds is None:
        seconds = min(policy.deadline, found.deadline)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise ValueError(f"timeout is {seconds!r}: give seconds above zero.")
    if seconds > found.deadline:
        raise ValueError(
            f"timeout is {seconds:g} seconds, longer than the connection “{found.alias}” waits: "
            f"raise its DEADLINE ({found.deadline:g})."
        )
    model = options.get("model") or found.model
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"model is {model!r}: give its name.")
    by = options.get("by")
    if by is not None and not hasattr(by, "pk"):
        raise ValueError(f"by is {type(by).__name__}: give a user of the site.")
    row = options.get("row")
    if row is not None and not (isinstance(row, models.Model) and row.pk is not None):
        raise ValueError(f"row is {type(row).__name__}: give a saved object of one of your models.")
    return How(
        connection=found,
        model=model,
        policy=replace(policy, deadline=float(seconds)),
        fallbacks=_fallbacks(options.get("fallbacks")),
        reusable_for=_seconds(options.get("cache", False)),
        user=by,
        row=row,
        purpose=storable(str(options.get("purpose") or ""))[:200],
    )


def _seconds(cache: object) -> int:
    if isinstance(cache, bool):
        return site_options().cache_ttl if cache else 0
    if not isinstance(cache, int) or cache < 1:
        raise ValueError(f"cache is {cache!r}: give True, False, or whole seconds above zero.")
    return cache


def split(arguments: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Arguments that say how, and the rest, which are the model's parameters."""
    names = Options.__annotations__
    said: Any = {name: value for name, value in arguments.items() if name in names}
    return said, {name: value for name, value in arguments.items() if name not in names}


def _fallbacks(given: Any) -> tuple[Fallback, ...]:
    if not given:
        return ()
    several = [given] if isinstance(given, Fallback | str) else given
    if not isinstance(several, list | tuple) or not all(isinstance(one, Fallback | str) for one in several):
        raise ValueError("fallbacks are to be aliases of connections, or Fallback(…).")
    found = tuple(one if isinstance(one, Fallback) else Fallback(connection=one) for one in several)
    for fallback in found:
        # A slip in an alias would else be found out on the day that it is needed.
        if fallback.connection:
            get_connection(fallback.connection)
    return found

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
from aiops.gateway.retry import RetryPolicy


class Options(TypedDict, total=False):
    """What every method of the client takes."""

    connection: str
    """Alias in `AIOPS["CONNECTIONS"]`; the client's own by default."""

    model: str
    """The connection's own by default."""

    by: Any
    """The user of the site who asks; kept in the log. For many calls at once there is `calls_about`."""

    row: models.Model | None
    """What it is about; kept in the log."""

    purpose: str
    """What it is for, in your words, at most 200 characters; kept in the log."""

    timeout: float
    """Seconds in total, attempts and waits included; at most the connection's `DEADLINE`."""

    retry: RetryPolicy
    """How patiently it is sent again."""

    fallbacks: Sequence[Fallback | str]
    """Whom to ask instead: a `Fallback`, or the alias of a connection for when this one cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """The same, complete."""

    connection: Connection
    model: str
    policy: RetryPolicy
    fallbacks: tuple[Fallback, ...] = ()
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
        ConnectionProblem: there is no such connection.
    """
    found = get_connection(options.get("connection") or default)
    policy = options.get("retry") or RetryPolicy(deadline=found.deadline)
    if not isinstance(policy, RetryPolicy):
        raise ValueError(f"retry is {policy!r}: give a RetryPolicy.")
    seconds = options.get("timeout", min(policy.deadline, found.deadline))
    if not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise ValueError(f"timeout is {seconds!r}: give seconds above zero.")
    if seconds > found.deadline:
        raise ValueError(
            f"timeout is {seconds:g} seconds, longer than the connection “{found.alias}” waits: "
            f"raise its DEADLINE ({found.deadline:g})."
        )
    model = options.get("model") or found.model
    if not isinstance(model, str):
        raise ValueError(f"model is {model!r}: give its name.")
    row = options.get("row")
    if row is not None and not (isinstance(row, models.Model) and row.pk is not None):
        raise ValueError(f"row is {type(row).__name__}: give a saved object of one of your models.")
    return How(
        connection=found,
        model=model,
        policy=replace(policy, deadline=float(seconds)),
        fallbacks=tuple(map(_fallback, options.get("fallbacks") or ())),
        user=options.get("by"),
        row=row,
        purpose=str(options.get("purpose") or "")[:200],
    )


def split(arguments: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Arguments that say how, and the rest, which are the model's parameters."""
    names = Options.__annotations__
    said: Any = {name: value for name, value in arguments.items() if name in names}
    return said, {name: value for name, value in arguments.items() if name not in names}


def _fallback(given: Fallback | str) -> Fallback:
    return given if isinstance(given, Fallback) else Fallback(connection=given)

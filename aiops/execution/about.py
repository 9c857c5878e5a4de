"""Who asks about what: said with a call, or once around a block of code for all calls in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models

from aiops.execution.prepare import About

MOST_PURPOSE = 200
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the blocks around say. The row is looked up when a call is made: entering a block asks no database."""

    user: Any = None
    row: models.Model | None = None
    purpose: str = ""


_around: ContextVar[_Said] = ContextVar("aiops_about", default=_Said())  # noqa: B039 - it cannot be changed


@contextmanager
def calls_about(*, by: Any = None, row: models.Model | None = None, purpose: str = "") -> Iterator[None]:
    """Keep with every call made inside the block who asks and about what, whichever way it is made: `client.sdk` too.

    What a call says itself wins, then the innermost block that says it. Tasks that the block starts are in it; a thread
    of its own is not, unless it is run in `contextvars.copy_context()`.

    Args:
        by: the user of the site who asks.
        row: what it is about.
        purpose: what it is for, in your words, at most 200 characters.

    Raises:
        ValueError: the row is no saved object of a model.
    """
    if row is not None and not (isinstance(row, models.Model) and row.pk is not None):
        raise ValueError(f"row is {type(row).__name__}: give a saved object of one of your models.")
    outer = _around.get()
    said = _Said(
        user=outer.user if by is None else by,
        row=outer.row if row is None else row,
        purpose=str(purpose)[:MOST_PURPOSE] or outer.purpose,
    )
    token = _around.set(said)
    try:
        yield
    finally:
        _around.reset(token)


def about(user: Any, row: models.Model | None, *, purpose: str = "") -> About:
    """Who asks about what, as it is kept with the call; where nothing is given, what the block around says.

    Args:
        user: of the site; None where nobody is logged in.
        row: of the shop's own tables.
        purpose: what the shop's code wants it for.
    """
    around = _around.get()
    user_id = getattr(around.user if user is None else user, "pk", None)
    row = around.row if row is None else row
    purpose = purpose or around.purpose
    if row is None:
        return About(user_id=user_id, purpose=purpose)
    kind = ContentType.objects.get_for_model(row)
    return About(user_id=user_id, row_type_id=kind.pk, row_key=str(row.pk), purpose=purpose)

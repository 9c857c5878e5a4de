"""A database that is locked, restarted or moved over: it is back in a moment, and until then nothing may be lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import tenacity
from django.db import DatabaseError, DataError, InterfaceError, close_old_connections, connection

P = ParamSpec("P")
R = TypeVar("R")

TROUBLE = (DatabaseError, InterfaceError)

PATIENCE = 60.0
"""Seconds that are waited: within them no lease of a job ends."""

PAUSE = 0.3
"""Seconds between two tries."""


def _passes(error: BaseException) -> bool:
    # Inside somebody's transaction nothing can be tried again: that is broken as a whole. What does not fit never will.
    return isinstance(error, TROUBLE) and not isinstance(error, DataError) and not connection.in_atomic_block


def patient(function: Callable[P, R]) -> Callable[P, R]:
    """The function, tried again while the database is in trouble. It must bear being done twice.

    Raises:
        DatabaseError, InterfaceError: it has been for longer than `PATIENCE`.
    """
    return tenacity.retry(
        retry=tenacity.retry_if_exception(_passes),
        wait=tenacity.wait_fixed(PAUSE),
        stop=tenacity.stop_after_delay(PATIENCE),
        # A connection that is broken stays so.
        before_sleep=lambda _: close_old_connections(),
        reraise=True,
    )(function)

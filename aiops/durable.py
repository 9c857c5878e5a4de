"""A transaction whose commit is one: what is recorded before a request leaves must outlive whatever happens then."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connection, transaction
from django.utils.translation import gettext as _

from aiops.options import options


class InTransaction(Exception):
    """Somebody's open transaction could undo the record. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "A call may not be made inside a transaction, which could undo its record: call after the `atomic` "
                'block, in `transaction.on_commit`, or set AIOPS["IN_TRANSACTION"] = "allow".'
            )
        )


_one_writer = [threading.Lock()]

# A thread that held it while the process forked does not exist in the child, and would never let go.
os.register_at_fork(after_in_child=lambda: _one_writer.__setitem__(0, threading.Lock()))


@contextmanager
def one_writer() -> Iterator[None]:
    """On SQLite, the turn of this thread to write.

    SQLite lets one write at a time. Threads of a process that queue here are served in turn and at once; at its own
    door each looks in every tenth of a second, and one with bad luck is told after twenty seconds that it is locked.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with _one_writer[0]:
            yield
    else:
        yield


@contextmanager
def durable() -> Iterator[None]:
    """A transaction whose commit is one.

    Raises:
        InTransaction: another one is around it, and the settings do not allow that.
    """
    allowed = options().in_transaction == "allow"
    with ExitStack() as stack:
        stack.enter_context(one_writer())
        try:
            stack.enter_context(transaction.atomic(durable=not allowed))
        except RuntimeError:
            raise InTransaction from None
        yield

"""A transaction whose commit is one: what is recorded before a request leaves must outlive whatever happens then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import transaction
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


@contextmanager
def durable() -> Iterator[None]:
    """A transaction whose commit is one.

    Raises:
        InTransaction: another one is around it, and the settings do not allow that.
    """
    allowed = options().in_transaction == "allow"
    with ExitStack() as stack:
        try:
            stack.enter_context(transaction.atomic(durable=not allowed))
        except RuntimeError:
            raise InTransaction from None
        yield

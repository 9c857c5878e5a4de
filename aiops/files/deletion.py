"""Deleting at the provider. As often as one likes: a file that is not there is deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import tenacity
from asgiref.sync import sync_to_async
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.durable import durable
from aiops.files.errors import UnknownFile
from aiops.files.found import Found, find
from aiops.files.models import UploadedFile
from aiops.files.patience import Patience
from aiops.gateway.connections import ConnectionProblem
from aiops.gateway.errors import GatewayError, Interrupted, Unreachable
from aiops.gateway.files import blocking, nonblocking
from aiops.gateway.files.told import is_gone
from aiops.gateway.retry import RetryPolicy

OVER = (UploadedFile.State.DELETED, UploadedFile.State.FAILED)
"""States of files that are surely not there."""


def delete(found: Found, policy: RetryPolicy) -> None:
    """Delete a file, blocking.

    Raises:
        UnknownFile, MissingKey, InTransaction: nothing was sent.
        GatewayError: it is not known to be gone; the row stays as it was.
    """
    if not _may_leave(found):
        return
    patience = Patience(policy)
    try:
        tenacity.Retrying(**patience.again())(
            lambda: blocking.delete(found.provider_id, found.connection, timeout=patience.left())
        )
    except GatewayError as error:
        if not is_gone(error):
            raise
    _gone(found)


async def adelete(found: Found, policy: RetryPolicy) -> None:
    """As `delete`, without blocking the event loop."""
    if not await sync_to_async(_may_leave)(found):
        return
    patience = Patience(policy)

    async def once() -> None:
        await nonblocking.delete(found.provider_id, found.connection, timeout=patience.left())

    try:
        await tenacity.AsyncRetrying(**patience.again())(once)
    except GatewayError as error:
        if not is_gone(error):
            raise
    await sync_to_async(_gone)(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """What came of deleting several."""

    count: int
    """So many are gone."""

    failures: tuple[str, ...] = ()
    """A sentence for each that may still be there."""

    def sentence(self) -> str:
        """For people."""
        deleted = ngettext("%(n)s file is deleted.", "%(n)s files are deleted.", self.count) % {"n": self.count}
        if not self.failures:
            return deleted
        more = ngettext("%(n)s is not: %(why)s", "%(n)s are not: %(why)s", len(self.failures))
        return f"{deleted} {more % {'n': len(self.failures), 'why': self.failures[0]}}"


def delete_several(files: Iterable[UploadedFile], policy: RetryPolicy) -> Deletions:
    """Delete files, one after the other; what goes wrong with one stops no other.

    A provider that does not answer is not asked again: each time would be as long a wait.

    Raises:
        InTransaction: nothing was sent.
    """
    count = 0
    failures: list[str] = []
    down: dict[str, str] = {}
    for file in files:
        if file.connection in down:
            failures.append(down[file.connection])
            continue
        try:
            delete(find(file, file.connection), policy)
            count += 1
        except (Unreachable, Interrupted) as error:
            down[file.connection] = str(error)
            failures.append(str(error))
        except (GatewayError, ConnectionProblem, UnknownFile) as error:
            failures.append(_("%(file)s: %(why)s") % {"file": file, "why": error})
    return Deletions(count=count, failures=tuple(failures))


def _may_leave(found: Found) -> bool:
    """Whether there is anything to delete."""
    with durable():
        if found.file is not None and found.file.state in OVER:
            return False
    found.require_known()
    found.connection.require_key()
    return True


def _gone(found: Found) -> None:
    if found.file is not None:
        with durable():
            found.file.gone(timezone.now())

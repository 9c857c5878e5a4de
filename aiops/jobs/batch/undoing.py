"""Calls of a batch that were not asked: undone, or given back to be asked again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.durable import durable
from aiops.execution.trouble import patient
from aiops.execution.window import release_calls, withdraw_calls
from aiops.failpoints import failpoint
from aiops.files.deletion import delete
from aiops.files.errors import FileRefused
from aiops.files.found import find
from aiops.gateway.connections import Connection, ConnectionProblem
from aiops.gateway.errors import GatewayError
from aiops.gateway.files import blocking
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.batch.stay import Stay
from aiops.jobs.claim import give_back
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.settle import settle_lost

logger = logging.getLogger(__name__)

WINDOW = 500
"""Calls of one transaction."""

PATIENCE = RetryPolicy(attempts=2, deadline=20.0)
"""For what nobody waits for: a file that is not deleted now expires."""


def withdraw(batch: Batch, stay: Stay) -> bool:
    """Undo the calls of a batch that never was created. Returns whether all of them are."""
    for calls in open_calls(batch):
        if stay.is_over or not stay.lasts():
            return False
        _undo(batch, calls)
        failpoint("batch.undone")
    give_back_rest(batch)
    batch.end(Batch.Status.WITHDRAWN, now=timezone.now())
    delete_files(batch)
    return True


@patient
def _undo(batch: Batch, calls: Mapping[UUID, int | None]) -> None:
    with durable():
        Job.objects.lock(batch.job_id)
        withdraw_calls(list(calls), now=timezone.now())
        give_back(calls.values(), owner=batch.token)


@patient
def give_again(batch: Batch, calls: Mapping[UUID, int | None], error: GatewayError, *, counted: bool = True) -> None:
    """Close calls that surely were not billed, and let their items be asked again.

    Args:
        calls: with their items.
        error: why they were not answered.
        counted: whether that was one of the tries that an item has.
    """
    with durable():
        Job.objects.lock(batch.job_id)
        release_calls(calls, error, now=timezone.now())
        _let_go(batch, calls, counted=counted)
        batch.count(given_back=len(calls))
    failpoint("batch.gave_back")


@patient
def give_up_on(batch: Batch, calls: Mapping[UUID, int | None]) -> None:
    """Close calls of which nobody knows whether they were billed, at their hold, and let their items be asked again."""
    text = _("The provider said nothing of this line of its batch; it may have been billed.")
    with durable():
        settle_lost(Call.objects.filter(pk__in=calls), text=text, now=timezone.now())
        _let_go(batch, calls, counted=True)
        batch.count(given_back=len(calls))
        batch.charge(cost=0, unknown=len(calls))


def _let_go(batch: Batch, calls: Mapping[UUID, int | None], *, counted: bool) -> None:
    if not counted:
        give_back(calls.values(), owner=batch.token)
        return
    items = Item.objects.filter(pk__in=[pk for pk in calls.values() if pk], owner=batch.token)
    items.filter(status=Item.Status.CLAIMED).update(status=Item.Status.PENDING, owner=None, lease_until=None)


@patient
def give_back_rest(batch: Batch) -> None:
    """Free what the batch has claimed and never asked: its process died in between."""
    with durable():
        Job.objects.lock(batch.job_id)
        rest = Item.objects.filter(job=batch.job_id, status=Item.Status.CLAIMED, owner=batch.token)
        rest.update(status=Item.Status.PENDING, owner=None, lease_until=None, claims=F("claims") - 1)


def open_calls(batch: Batch) -> Iterator[dict[UUID, int | None]]:
    """The calls of a batch that have not ended, with their items, in windows. These end before the next are taken."""
    found = Call.objects.open().filter(batch_id=batch.pk).order_by("pk").values_list("pk", "item_id")
    last: UUID | None = None
    while calls := dict((found if last is None else found.filter(pk__gt=last))[:WINDOW]):
        last = max(calls)
        yield calls


def delete_files(batch: Batch) -> None:
    """Have the provider delete what rows and answers it was given to keep. What it does not delete expires there."""
    with suppress(ConnectionProblem, FileRefused, GatewayError):
        if batch.file is not None and batch.file.provider_id:
            delete(find(batch.file, batch.connection), PATIENCE)


def delete_results(batch: Batch, connection: Connection) -> None:
    """As `delete_files`, of what the provider has written."""
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        with suppress(GatewayError):
            blocking.delete(file_id, connection, timeout=PATIENCE.deadline)

"""Looking at a batch: what is to be done with it as it stands. One look is one step, or a few."""

from __future__ import annotations

import logging
import tempfile
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.prepare import Plan
from aiops.failpoints import failpoint
from aiops.gateway import batches as provider
from aiops.gateway.batches import Fault, ToldBatch
from aiops.gateway.batches.told import FAILED
from aiops.gateway.errors import BadRequest, GatewayError, Unanswered
from aiops.gateway.files.told import is_gone
from aiops.jobs.batch.reading import read_results
from aiops.jobs.batch.refusals import fail_faulty_lines
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.submitting import find_or_create
from aiops.jobs.batch.undoing import delete_files, give_again, give_back_rest, give_up_on, open_calls, withdraw
from aiops.jobs.errors import BatchRefused
from aiops.jobs.models import Batch
from aiops.jobs.models.batch import LOOK_EVERY
from aiops.jobs.worker import pause

logger = logging.getLogger(__name__)

OVERDUE = timedelta(days=2)
"""How long after its window a batch is waited for."""

WINDOW = timedelta(days=1)
"""Of a batch whose provider does not say when it expires."""

FULL = frozenset({"token_limit_exceeded"})
"""Why a batch failed that may be taken once others are done: so much and no more may wait with the provider."""

REST_WHEN_FULL = timedelta(minutes=15)


def look_at(batch: Batch, stay: Stay, plan: Plan, *, wanted: bool) -> int:
    """Do what is to be done. Returns how many items ended.

    Args:
        wanted: whether its answers still are; else it is cancelled, and what it has answered by then is kept.
    """
    status = Batch.Status
    try:
        if batch.status == status.PREPARING:
            batch.withdraw(_("The process that prepared it ended before it left."), now=timezone.now())
        if batch.status == status.WITHDRAWING:
            withdraw(batch, stay)
        if batch.status == status.SUBMITTING:
            find_or_create(batch, stay, plan)
        elif batch.status == status.UNDER_WAY:
            _ask(batch, plan, wanted=wanted)
        if batch.status == status.UNDER_WAY and _is_overdue(batch, timezone.now()):
            _lose(batch, stay, _("The provider never said how it ended."))
        if batch.status == status.READING:
            return _read(batch, stay, plan)
    except GatewayError as error:
        error.forget(plan.connection.api_key)
        logger.warning("batch %s: %s", batch.pk, error)
        if is_gone(error) and batch.status == status.UNDER_WAY:
            _lose(batch, stay, _("The provider knows no such batch any more."))
        else:
            batch.look_again(timezone.now() + LOOK_EVERY, error=str(error))
    return 0


def _ask(batch: Batch, plan: Plan, *, wanted: bool) -> None:
    """See how far it is, and cancel it where it is not wanted any more."""
    timeout = plan.connection.deadline
    told = provider.look(batch.provider_id, plan.connection, timeout=timeout)
    if not told.is_over and not wanted and batch.cancelled_at is None:
        try:
            told = provider.cancel(batch.provider_id, plan.connection, timeout=timeout)
        except BadRequest:
            # It came to its end in this moment: the next look shows which.
            told = provider.look(batch.provider_id, plan.connection, timeout=timeout)
        batch.will_be_cancelled(timezone.now())
    failpoint("batch.looked")
    _note(batch, told)
    failpoint("batch.seen")


def _note(batch: Batch, told: ToldBatch) -> None:
    batch.was_seen(told, now=timezone.now())
    if told.faults:
        text = "; ".join(_fault(fault) for fault in told.faults[:3])
        Batch.objects.filter(pk=batch.pk).update(error=text)
        batch.error = text


def _fault(fault: Fault) -> str:
    where = _("line %(n)s: ") % {"n": fault.line} if fault.line else ""
    return f"{where}{fault.message or fault.code}"


def _read(batch: Batch, stay: Stay, plan: Plan) -> int:
    if batch.provider_status == FAILED and not (batch.output_file_id or batch.error_file_id):
        return _give_back_refused(batch, stay, plan)
    return read_results(batch, stay, plan)


def _give_back_refused(batch: Batch, stay: Stay, plan: Plan) -> int:
    """The provider read the file and asked nothing of it."""
    told = provider.look(batch.provider_id, plan.connection, timeout=plan.connection.deadline)
    faults = told.faults
    is_full = any(fault.code in FULL for fault in faults)
    named = [fault for fault in faults if fault.line is not None]
    failed = 0
    if named and not is_full:
        with tempfile.TemporaryFile(prefix="aiops-batch-") as file:
            failed = fail_faulty_lines(batch, stay, plan, named, file)
    error = Unanswered(f"The provider took no batch: {batch.error}")
    for calls in open_calls(batch):
        if stay.is_over or not stay.lasts():
            return failed
        give_again(batch, calls, error, counted=bool(failed))
    give_back_rest(batch)
    now = timezone.now()
    batch.end(Batch.Status.REFUSED, now=now, rest_until=now + REST_WHEN_FULL if is_full else None)
    if not is_full and not failed:
        pause(stay.job, BatchRefused(batch.error))
    delete_files(batch)
    return failed


def _lose(batch: Batch, stay: Stay, because: str) -> None:
    """Nobody will say what came of it: its calls are charged at their hold, its items are free."""
    for calls in open_calls(batch):
        if stay.is_over or not stay.lasts():
            return
        give_up_on(batch, calls)
    give_back_rest(batch)
    batch.end(Batch.Status.LOST, now=timezone.now(), error=because)
    delete_files(batch)


def _is_overdue(batch: Batch, now: datetime) -> bool:
    ends = batch.expires_at or (batch.submitted_at or batch.created_at) + WINDOW
    return now > ends + OVERDUE

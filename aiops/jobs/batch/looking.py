"""Looking at a batch: what is to be done with it as it stands. One look is one step, or a few."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import Plan
from aiops.failpoints import failpoint
from aiops.gateway import batches as provider
from aiops.gateway.batches import Fault, ToldBatch
from aiops.gateway.batches.told import FAILED, is_told_gone
from aiops.gateway.errors import BadRequest, GatewayError, Unanswered
from aiops.jobs.batch.reading import read_results
from aiops.jobs.batch.refusals import fail_faulty_lines
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.submitting import find_it, find_or_create
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
    except (GatewayError, *REFUSALS) as error:
        if isinstance(error, GatewayError):
            error.forget(plan.connection.api_key)
        logger.warning("batch %s: %s", batch.pk, error)
        _bear(batch, stay, plan, error)
    return 0


def _bear(batch: Batch, stay: Stay, plan: Plan, error: Exception) -> None:
    """It is tried again: nobody gives answers up that are paid for because of a wrong key, or a deploy somewhere."""
    now = timezone.now()
    if batch.status == Batch.Status.READING and _is_overdue(batch, now):
        _lose(batch, stay, _("Its answers could not be read: %s") % error)
    elif not is_told_gone(error):
        batch.look_again(now + LOOK_EVERY, error=str(error))
    elif batch.status == Batch.Status.UNDER_WAY and batch.is_gone(now) and _is_unlisted(batch, plan):
        _lose(batch, stay, _("The provider knows no such batch any more."))
    else:
        batch.is_not_there(str(error), now=now)


def _is_unlisted(batch: Batch, plan: Plan) -> bool:
    try:
        return find_it(batch, plan) is None
    except GatewayError:
        return False


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
    now = timezone.now()
    waits = told.is_over and told.lacks_answers and not _is_overdue(batch, now)
    batch.was_seen(told, is_over=told.is_over and not waits, now=now)
    if waits:
        text = _("The provider says that it is done, and names no file of its answers yet.")
        batch.look_again(now + LOOK_EVERY, error=text)
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
    faults = _faults(batch, plan)
    is_full = any(fault.code in FULL for fault in faults)
    named = [fault for fault in faults if fault.line is not None]
    # In an earlier slice, where there was no time for all of it.
    failed = batch.failed
    if named and not is_full and not failed:
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


def _faults(batch: Batch, plan: Plan) -> Sequence[Fault]:
    """Why it was refused; nothing where the provider does not say it any more."""
    try:
        return provider.look(batch.provider_id, plan.connection, timeout=plan.connection.deadline).faults
    except GatewayError as error:
        if error.retryable:
            raise
        return ()


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

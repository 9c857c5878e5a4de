"""A filled batch leaves: its file is uploaded, then it is created. Creating twice would be billed twice.

Between the two it says `submitting`, committed: whoever finds it so looks at the provider, by our own id in its
metadata, before it is created again.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import datetime, timedelta

from django.core.files.base import File
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.durable import durable
from aiops.execution.prepare import Plan
from aiops.execution.trouble import patient
from aiops.failpoints import failpoint
from aiops.files.errors import FileRefused
from aiops.files.models import UploadedFile
from aiops.files.patience import surely_not_done
from aiops.files.upload import upload
from aiops.files.wanted import Wanted
from aiops.gateway import batches as provider
from aiops.gateway.batches import ToldBatch, endpoint_of
from aiops.gateway.errors import GatewayError
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.batch.filling import ALONE, Filling
from aiops.jobs.batch.request import any_request, most_bytes
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.undoing import delete_files, withdraw
from aiops.jobs.errors import BatchRefused
from aiops.jobs.heartbeat import silent
from aiops.jobs.models import Batch, Job
from aiops.jobs.models.batch import LOOK_EVERY
from aiops.jobs.worker import pause
from aiops.stops.switch import stopped

logger = logging.getLogger(__name__)

REST = timedelta(minutes=5)
"""How long no further batch is made where the last one could not leave."""

MOST_TRYING = timedelta(hours=1)
"""How long a batch is tried to be created."""

UNSURE = timedelta(minutes=5)
"""How long after it may have been created the provider's list is not believed that it was not."""

OUR_ID = "aiops_batch"
"""Its name in the metadata."""


def make_batch(stay: Stay, plan: Plan, *, most_lines: int) -> bool:
    """Fill a batch and let it leave. Returns whether there may be a next one."""
    job = stay.job
    # Without a name: of what rows hold nothing stays on the disk, however this process ends.
    with tempfile.TemporaryFile(prefix="aiops-batch-") as file:
        batch = _begin(job)
        failpoint("batch.begun")
        filling = Filling(batch, file, most_lines)
        try:
            filling.fill(stay, plan)
        except OSError as error:
            # Of a file that did not become whole nothing leaves.
            pause(job, BatchRefused(_("The file of its lines cannot be written (%s).") % (error.strerror or error)))
            _give_up(batch, stay, str(error))
            return False
        if batch.line_count:
            _leave(batch, stay, plan, File(file, name="lines.jsonl"))
        else:
            withdraw(batch, stay)
            Batch.objects.filter(pk=batch.pk, line_count=0).delete()
    if filling.refusal is not None:
        pause(job, filling.refusal)
        return False
    return batch.line_count > 0 and batch.status == Batch.Status.UNDER_WAY


@patient
def _begin(job: Job) -> Batch:
    now = timezone.now()
    return Batch.objects.create(job=job, connection=job.connection, created_at=now, look_at=now + ALONE)


def _leave(batch: Batch, stay: Stay, plan: Plan, lines: File[bytes]) -> None:
    """Upload the file, and create the batch."""
    connection = plan.connection
    if not stay.lasts(2 * connection.deadline):
        return
    if refusal := stopped():
        pause(stay.job, refusal)
        _give_up(batch, stay, str(refusal))
        return
    wanted = Wanted(
        connection=connection,
        policy=RetryPolicy(deadline=connection.deadline),
        purpose="batch",
        name=f"job-{stay.job.pk}-batch-{batch.pk}.jsonl",
        again=True,
        most_bytes=most_bytes(connection),
    )
    try:
        with silent(connection.deadline):
            file = upload(lines, wanted)
    except FileRefused as error:
        pause(stay.job, BatchRefused(str(error)))
        _give_up(batch, stay, str(error))
        return
    except GatewayError as error:
        # No batch was made of it: whatever became of the file, nothing is answered.
        error.forget(connection.api_key)
        _refused(batch, stay, error)
        return
    failpoint("batch.uploaded")
    if _may_leave(batch, stay, file, connection.deadline):
        create(batch, stay, plan)
        return
    _give_up(batch, stay, _("The job was stopped before the batch was created."))
    # Or it took so long that somebody else has withdrawn it.
    batch.file = file
    delete_files(batch)


@patient
def _may_leave(batch: Batch, stay: Stay, file: UploadedFile | None, deadline: float) -> bool:
    """Let it be created, unless that is not wanted any more, or another worker sees to the job by now.

    Whoever stops it later waits for this transaction: no batch is created after a stop has committed, but for the one
    that leaves in this moment. It says `unsure_since`, for whoever comes should this process die meanwhile.

    Args:
        file: of its lines, where this is the first time.
    """
    now = timezone.now()
    look_at = now + timedelta(seconds=deadline) + LOOK_EVERY
    with durable():
        Job.objects.lock(batch.job_id)
        job = Job.objects.filter(pk=batch.job_id, worker=stay.token).first()
        if job is None or not may_be_asked(job, now) or stopped():
            return False
        if file is None:
            return batch.is_created_again(now=now, look_at=look_at)
        return batch.is_leaving(file, now=now, look_at=look_at)


def may_be_asked(job: Job, now: datetime) -> bool:
    """Whether what a batch of the job holds may be asked: where it only waits for money, this has been held for."""
    waits_for_money = job.status == Job.Status.PAUSED and job.waits_for is not None
    return (job.status == Job.Status.RUNNING or waits_for_money) and job.is_batched(now)


def create(batch: Batch, stay: Stay, plan: Plan) -> None:
    """Have it answered. What is not known to have arrived is looked for, with a later tick."""
    failpoint("batch.leaving")
    try:
        with silent(plan.connection.deadline):
            told = provider.create(
                plan.connection,
                endpoint=endpoint_of(any_request(plan), plan.connection),
                input_file_id=batch.file.provider_id if batch.file else "",
                metadata=metadata_of(batch),
                timeout=plan.connection.deadline,
            )
    except GatewayError as error:
        error.forget(plan.connection.api_key)
        surely = surely_not_done(error)
        _was_not_created(batch, str(error), surely=surely)
        if surely and not error.retryable:
            _refused(batch, stay, error)
        return
    failpoint("batch.created")
    _was_created(batch, told, plan)


def find_or_create(batch: Batch, stay: Stay, plan: Plan) -> None:
    """Of a batch that was about to be created, see whether it was; where not, create it, unless it is not wanted.

    Raises:
        GatewayError: nobody knows.
    """
    now = timezone.now()
    told = find_it(batch, plan)
    failpoint("batch.sought")
    if told is not None:
        _was_created(batch, told, plan)
    elif batch.unsure_since is not None and now < batch.unsure_since + UNSURE:
        batch.look_again(now + LOOK_EVERY)
    elif batch.error and now - batch.created_at > MOST_TRYING:
        pause(stay.job, BatchRefused(batch.error))
        _give_up(batch, stay, batch.error)
    elif not stay.lasts(plan.connection.deadline):
        # It took so long that another worker sees to it.
        return
    elif _may_leave(batch, stay, None, plan.connection.deadline):
        create(batch, stay, plan)
    elif stay.lasts():
        _give_up(batch, stay, _("The job was stopped before the batch was created."))


def find_it(batch: Batch, plan: Plan) -> ToldBatch | None:
    """The provider's batch, as its list has it; None where it is not there.

    Raises:
        GatewayError: nobody knows.
    """
    return provider.find(
        plan.connection,
        metadata=metadata_of(batch),
        input_file_id=batch.file.provider_id if batch.file else "",
        since=batch.created_at - timedelta(hours=1),
        timeout=plan.connection.deadline,
    )


def metadata_of(batch: Batch) -> dict[str, str]:
    """By which the provider's batch is found again."""
    return {OUR_ID: str(batch.token), "aiops_job": str(batch.job_id)}


@patient
def _was_not_created(batch: Batch, error: str, *, surely: bool) -> None:
    batch.was_not_created(error, surely=surely, now=timezone.now())


def _was_created(batch: Batch, told: ToldBatch, plan: Plan) -> None:
    if patient(batch.was_created)(told, now=timezone.now()) or batch.provider_id == told.provider_id:
        return
    # This process slept while others went on without it: what it has made nobody will ever read.
    logger.error("batch %s was created a second time, as %s: it is cancelled", batch.pk, told.provider_id)
    try:
        provider.cancel(told.provider_id, plan.connection, timeout=plan.connection.deadline)
    except GatewayError as error:
        error.forget(plan.connection.api_key)
        logger.warning("batch %s: %s at the provider could not be cancelled: %s", batch.pk, told.provider_id, error)


def _refused(batch: Batch, stay: Stay, error: GatewayError) -> None:
    rest_until: datetime | None = None
    if error.retryable:
        rest_until = timezone.now() + REST
    else:
        pause(stay.job, BatchRefused(str(error)))
    _give_up(batch, stay, str(error), rest_until)


def _give_up(batch: Batch, stay: Stay, because: str, rest_until: datetime | None = None) -> None:
    if batch.withdraw(because, now=timezone.now(), rest_until=rest_until):
        withdraw(batch, stay)

"""A filled batch leaves: its file is uploaded, then it is created. Creating twice would be billed twice.

Between the two it says `submitting`, committed: whoever finds it so looks at the provider, by our own id in its
metadata, before it is created again.
"""

from __future__ import annotations

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
from aiops.jobs.models import Batch, Job
from aiops.jobs.models.batch import LOOK_EVERY
from aiops.jobs.worker import pause
from aiops.stops.switch import stopped

REST = timedelta(minutes=5)
"""How long no further batch is made where the last one could not leave."""

MOST_TRYING = timedelta(hours=1)
"""How long a batch is tried to be created."""

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
        file = upload(lines, wanted)
    except FileRefused as error:
        pause(stay.job, BatchRefused(str(error)))
        _give_up(batch, stay, str(error))
        return
    except GatewayError as error:
        # No batch was made of it: whatever became of the file, nothing is answered.
        _refused(batch, stay, error, connection.api_key)
        return
    failpoint("batch.uploaded")
    margin = timedelta(seconds=connection.deadline) + LOOK_EVERY
    if _may_leave(batch, file, timezone.now() + margin):
        failpoint("batch.leaving")
        create(batch, stay, plan)
        return
    _give_up(batch, stay, _("The job was stopped before the batch was created."))
    # Or it took so long that somebody else has withdrawn it.
    batch.file = file
    delete_files(batch)


@patient
def _may_leave(batch: Batch, file: UploadedFile, look_at: datetime) -> bool:
    """Let it leave, unless the job was stopped meanwhile."""
    with durable():
        Job.objects.lock(batch.job_id)
        if not Job.objects.running().filter(pk=batch.job_id).exists():
            return False
        return batch.is_leaving(file, look_at=look_at)


def create(batch: Batch, stay: Stay, plan: Plan) -> None:
    """Have it answered. What is not known to have arrived is looked for, with the next tick."""
    now = timezone.now()
    try:
        told = provider.create(
            plan.connection,
            endpoint=endpoint_of(any_request(plan), plan.connection),
            input_file_id=batch.file.provider_id if batch.file else "",
            metadata=metadata_of(batch),
            timeout=plan.connection.deadline,
        )
    except GatewayError as error:
        if surely_not_done(error) and not error.retryable:
            _refused(batch, stay, error, plan.connection.api_key)
        else:
            error.forget(plan.connection.api_key)
            batch.look_again(now + LOOK_EVERY, error=str(error))
        return
    failpoint("batch.created")
    _was_created(batch, told)


def find_or_create(batch: Batch, stay: Stay, plan: Plan, *, wanted: bool) -> None:
    """Of a batch that was about to be created, see whether it was; where not, create it, unless it is not wanted.

    Raises:
        GatewayError: nobody knows.
    """
    since = batch.created_at - timedelta(hours=1)
    told = provider.find(plan.connection, metadata=metadata_of(batch), since=since, timeout=plan.connection.deadline)
    if told is not None:
        _was_created(batch, told)
    elif not wanted:
        _give_up(batch, stay, _("The job was stopped before the batch was created."))
    elif timezone.now() - batch.created_at > MOST_TRYING:
        pause(stay.job, BatchRefused(batch.error))
        _give_up(batch, stay, batch.error)
    else:
        create(batch, stay, plan)


def metadata_of(batch: Batch) -> dict[str, str]:
    """By which the provider's batch is found again."""
    return {OUR_ID: str(batch.token), "aiops_job": str(batch.job_id)}


@patient
def _was_created(batch: Batch, told: ToldBatch) -> None:
    batch.was_created(told, now=timezone.now())


def _refused(batch: Batch, stay: Stay, error: GatewayError, key: str | None) -> None:
    error.forget(key)
    rest_until: datetime | None = None
    if error.retryable:
        rest_until = timezone.now() + REST
    else:
        pause(stay.job, BatchRefused(str(error)))
    _give_up(batch, stay, str(error), rest_until)


def _give_up(batch: Batch, stay: Stay, because: str, rest_until: datetime | None = None) -> None:
    if batch.withdraw(because, now=timezone.now(), rest_until=rest_until):
        withdraw(batch, stay)

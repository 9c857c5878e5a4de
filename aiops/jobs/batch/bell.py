"""Having a batch looked at before its minute has come."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from aiops.jobs.doorbell import ring
from aiops.jobs.models import Batch, Job


def look_now(batch: Batch) -> bool:
    """Have a worker look at an open batch at once. Returns whether one was rung for; done twice, it is as if once."""
    now = timezone.now()
    with transaction.atomic():
        Job.objects.lock(batch.job_id)
        is_news = Batch.objects.open().filter(pk=batch.pk, look_at__gt=now).update(look_at=now)
        job = Job.objects.filter(pk=batch.job_id, batches__in=Batch.objects.open().filter(pk=batch.pk)).first()
        if job is None or (not is_news and job.is_rung_for(now)):
            return False
        ring(job.pk)
    return True

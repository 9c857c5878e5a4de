"""What is still to be read of a job's source, kept until its rows are items."""

from __future__ import annotations

from django.db import models

from aiops.jobs.models.job import Job


class UnreadPart(models.Model):
    """Keys of rows, or a file: here any process of the site finds it, and it goes with its job."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="unread_parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="aiops_unread_part"),)

    def __str__(self) -> str:
        return f"{self.job_id}: {self.number}"

"""How urgent a job is, next to the others that wait for a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import models
from django.utils.translation import gettext_lazy as _

from aiops.jobs.errors import WrongState

if TYPE_CHECKING:
    from aiops.jobs.models.job import Job


class Priority(models.IntegerChoices):
    """The lower number goes first. Names are those of the choices: `high`, `normal`, `low`."""

    HIGH = 1, _("high")
    NORMAL = 2, _("normal")
    LOW = 3, _("low")

    @property
    def word(self) -> str:
        """As commands and code write it."""
        return self.name.lower()


class Urgent:
    """The part of a job that is more or less urgent."""

    def set_priority(self, priority: Priority) -> None:
        """Say how urgent it is from now on.

        Raises:
            WrongState: it is finished.
        """
        job = cast("Job", self)
        unfinished = type(job).objects.exclude(status=job.Status.FINISHED).filter(pk=job.pk)
        if not unfinished.update(priority=priority):
            raise WrongState(_("The job is finished: how urgent it is makes no difference any more."))
        job.priority = priority


WORDS = [priority.word for priority in Priority]

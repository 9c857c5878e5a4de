"""What `run_job` and `job_status` both do with a job."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.attendance import attendance_of
from aiops.jobs.models import Job
from aiops.jobs.progress import Progress
from aiops.management.following import follow, look
from aiops.management.job_lines import facts, next_step, summary
from aiops.management.terminal import FAILED, INTERRUPTED, TerminalCommand, harmless, refused


def find_job(number: int) -> Job:
    """The job of this number.

    Raises:
        CommandError: there is none; the sentence says which there are.
    """
    job = Job.objects.select_related("version__prompt", "row_type").filter(pk=number).first()
    if job is not None:
        return job
    latest = Job.objects.values_list("pk", flat=True).first()
    if latest is None:
        raise refused(_("There is no job yet: start one with manage.py run_job."))
    words = {"id": number, "latest": latest}
    raise refused(_("There is no job %(id)s; the latest is %(latest)s: see manage.py job_status.") % words)


def _with_workers(progress: Progress) -> dict[str, Any]:
    return facts(progress) | {"at_work": attendance_of(progress.job, timezone.now()).as_json()}


class JobCommand(TerminalCommand):
    """A command about one job."""

    def follow(self, job: Job, *, as_json: bool) -> None:
        """Show progress on stderr until the job rests, then what came of it.

        Raises:
            CommandError: not every row succeeded (exit code 1); or Ctrl-C, which stops the watching and not the job.
        """
        try:
            progress = follow(job, self.stderr)
        except KeyboardInterrupt:
            words = {"id": job.pk}
            raise CommandError(
                _(
                    "The job goes on. Watch it again with: manage.py job_status %(id)s --follow, "
                    "stop it with: manage.py job_status %(id)s --stop"
                )
                % words,
                returncode=INTERRUPTED,
            ) from None
        if as_json:
            self.write_json(_with_workers(progress))
        else:
            for line in summary(progress):
                self.stdout.write(harmless(line))
        if advice := next_step(progress):
            raise CommandError(harmless(advice), returncode=FAILED)

    def report(self, job: Job, *, as_json: bool) -> None:
        """Say how a job stands now, and what can be done."""
        progress = look(job.pk, timezone.now())
        if as_json:
            self.write_json(_with_workers(progress))
            return
        for line in filter(None, [*summary(progress), next_step(progress)]):
            self.stdout.write(harmless(line))

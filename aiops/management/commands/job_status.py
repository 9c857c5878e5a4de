"""`manage.py job_status`: how jobs stand; stop one, let it go on, try its failed rows again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.control import resume, retry_failed, set_priority, stop
from aiops.jobs.models import Job, Priority
from aiops.jobs.models.priority import WORDS
from aiops.jobs.progress import progress_of
from aiops.management.job_command import JobCommand, find_job
from aiops.management.job_lines import facts, table
from aiops.management.terminal import harmless, refusals, refused, whole_number
from prompts.errors import choices

LATEST = 20
"""Jobs in the table."""


class Command(JobCommand):
    """Parse, find the job, do what is asked, say how it stands."""

    help = (
        f"Without a number, the latest {LATEST} jobs. With one, how that job stands: rows, errors by reason, tokens,\n"
        "cost.\n\n"
        "examples:\n"
        "  manage.py job_status\n"
        "  manage.py job_status 7\n"
        "  manage.py job_status 7 --follow\n"
        "  manage.py job_status 7 --json\n"
        "  manage.py job_status 7 --stop\n"
        "  manage.py job_status 7 --stop --now\n"
        "  manage.py job_status 7 --resume --follow\n"
        "  manage.py job_status 7 --priority high\n"
        "  manage.py job_status 7 --retry-failed\n"
        "  manage.py job_status 7 --retry-failed schema\n\n"
        "exit codes:\n"
        "  0  said, or done; with --follow: every row succeeded\n"
        "  1  with --follow: rows failed, or the job was stopped or paused\n"
        "  2  refused: there is no such job, or it cannot be done to it as it stands\n"
        "130  Ctrl-C while following: the job goes on"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The job, and what is done to it."""
        parser.add_argument("job", type=whole_number(1, 2**63 - 1), nargs="?", help="the number of a job")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--stop", action="store_true", help="begin no further row; what is in flight ends")
        action.add_argument("--resume", action="store_true", help="let a stopped or paused job go on")
        action.add_argument(
            "--retry-failed",
            nargs="?",
            const="",
            metavar="KIND",
            help="try failed rows again: all, or those that failed for one reason",
        )
        action.add_argument(
            "--priority", choices=WORDS, metavar="|".join(WORDS), help="say how urgent it is from now on"
        )
        parser.add_argument(
            "--now", action="store_true", help="with --stop: what is in flight is given up, paid for and thrown away"
        )
        parser.add_argument("--follow", action="store_true", help="watch it until its end")
        parser.add_argument("--json", action="store_true", help="print JSON; money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked, then say how it stands."""
        number: int | None = options["job"]
        acting = options["stop"] or options["resume"] or options["retry_failed"] is not None or options["priority"]
        if number is None:
            if acting or options["follow"]:
                raise refused(_("Name the job first, as in: manage.py job_status 7 --follow"))
            self._list(as_json=options["json"])
            return
        if options["now"] and not options["stop"]:
            raise refused(_("--now is about --stop: manage.py job_status %(id)s --stop --now") % {"id": number})
        job = find_job(number)
        with refusals():
            if options["stop"]:
                stop(job, give_up=options["now"])
            elif options["resume"]:
                resume(job)
            elif options["priority"]:
                set_priority(job, Priority[options["priority"].upper()])
            elif options["retry_failed"] is not None:
                _retry(job, options["retry_failed"])
        (self.follow if options["follow"] else self.report)(job, as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        jobs = list(Job.objects.select_related("version__prompt", "user")[:LATEST])
        if as_json:
            now = timezone.now()
            self.write_json([facts(progress_of(job, now)) for job in jobs])
        elif not jobs:
            self.stdout.write(_("There is no job yet: start one with manage.py run_job."))
        else:
            for line in table(jobs):
                self.stdout.write(harmless(line))


def _retry(job: Job, kind: str) -> None:
    if retry_failed(job, kind).count:
        return
    kinds = sorted(
        {found or _("without a reason") for found in job.items.failed().values_list("error_kind", flat=True)}
    )
    if not kinds:
        raise refused(_("No row of job %(id)s has failed: there is nothing to try again.") % {"id": job.pk})
    words = {"id": job.pk, "kind": kind, "kinds": choices(kinds)}
    raise refused(_("No row of job %(id)s failed for “%(kind)s”: there is %(kinds)s.") % words)

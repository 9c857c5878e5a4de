"""`manage.py resume_calls`: calls may be made again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.models import Job
from aiops.management.stop_lines import as_json, user_named
from aiops.management.terminal import TerminalCommand, refusals, refused
from aiops.stops.errors import NotStopped
from aiops.stops.switch import go_on, stopped


class Command(TerminalCommand):
    """Parse, let go on, say what is left to do."""

    help = (
        "Let calls be made again after stop_calls. Paused jobs stay paused: resume each by job_status N --resume.\n\n"
        "examples:\n"
        "  manage.py resume_calls\n"
        "  manage.py resume_calls --user ada --json\n\n"
        "exit codes:\n"
        "  0  calls go on\n"
        "  2  refused: nothing was stopped, or the settings stop every call"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        parser.add_argument("--user", default="", metavar="USERNAME", help="who lets them go on, for the records")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Let calls go on, and say which jobs wait for a word of their own."""
        try:
            with refusals():
                go_on(user_named(options["user"]))
        except NotStopped as error:
            raise refused(error) from error
        paused = Job.objects.filter(status=Job.Status.PAUSED).count()
        if options["json"]:
            self.write_json({**as_json(stopped()), "paused_jobs": paused})
            return
        self.write_text(_("Calls go on."))
        if paused:
            text = ngettext(
                "%(n)d job is paused; resume it with: manage.py job_status N --resume",
                "%(n)d jobs are paused; resume each with: manage.py job_status N --resume",
                paused,
            )
            self.write_text(text % {"n": paused})

"""`manage.py demo`: the main job, once, from nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from aiops.gateway.local_model.errors import LocalModelError
from aiops.jobs.models import Item, Job
from aiops.jobs.quote import quote
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.management.following import follow, look
from aiops.management.terminal import FAILED, TerminalCommand, refusals, whole_number
from project.demo.admin_user import NAME, first_admin
from project.demo.agreement import agreement
from project.demo.answering import Answering, answering, leading_to
from project.demo.report import lines, sums_of
from project.demo.workers import workers
from project.helpdesk.loading import load_tickets
from prompts.loading import load_prompts
from prompts.lookup import find_version


class Command(TerminalCommand):
    """Set everything up, run one job, say what came of it."""

    help = (
        "Run ticket triage over real tickets with a language model on this machine, and say what came of it.\n"
        "Sets up the database, the prompts and the tickets; starts the model and the workers, and ends them.\n\n"
        "examples:\n"
        "  manage.py demo\n"
        "  manage.py demo --rows 50\n"
        "  manage.py demo --stand-in        without a model: quick, and its answers mean nothing\n\n"
        "exit codes:\n"
        "  0  done, and everything adds up\n"
        "  1  something does not add up, or could not be started\n"
        "  2  nothing was done; the sentence says why"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rows", type=whole_number(1, 500), default=200, help="tickets to ask about (default: %(default)s)"
        )
        parser.add_argument("--stand-in", action="store_true", help="ask the stand-in server instead of a model")

    def handle(self, *args: Any, rows: int, stand_in: bool, **options: Any) -> None:
        fixtures = settings.BASE_DIR / "fixtures"
        self.say("Setting up the database, the prompts and 500 real tickets …")
        call_command("migrate", verbosity=0, skip_checks=True)
        load_prompts(fixtures)
        load_tickets(fixtures / "tickets.csv")
        password = first_admin(settings.VAR_DIR)
        try:
            with (
                answering(settings.VAR_DIR / "models", stand_in=stand_in, say=self.say) as server,
                leading_to(server),
                refusals(),
            ):
                faults = self._run(server, rows, fixtures / "topics.json")
        except LocalModelError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error
        self.say("\nSee all of it in the admin: run `make serve`, open http://127.0.0.1:8000/admin/")
        if password:
            self.say(f"and log in as {NAME} with the password {password}")
        if faults:
            raise CommandError("\n".join(faults), returncode=FAILED)

    def _run(self, server: Answering, rows: int, topics: Path) -> list[str]:
        """One job from quote to table. Returns what does not add up."""
        # A model of 135 million parameters needs the question in fewer words.
        version = find_version("triage-ticket-small" if server.is_a_model else "triage-ticket")
        source = model_source("helpdesk.Ticket", limit=rows)
        for sentence in quote(version, source, connection="local").sentences():
            self.say(sentence)
        self.say(f"Asking {server.what} …\n")
        before = server.counted()
        log = settings.VAR_DIR / "demo-workers.log"
        with workers(log, {"LOCAL_MODEL_PORT": str(server.port)}):
            job = start_job(version, source, connection="local")
            follow(job, self.stdout)
            self._wait_for_the_last(job)
        after = server.counted()
        sums = sums_of(look(job.pk, timezone.now()), (after[0] - before[0], after[1] - before[1]))
        table = list(lines(sums))
        if server.is_a_model:
            table.append(("known topics", agreement(job, topics).sentence()))
        self.say(f"\nJob {job.pk}: {job}")
        for name, value in table:
            self.say(f"  {name:<18}{value}")
        if server.is_a_model:
            self.say(
                "\nThe model is tiny and often wrong: this shows that everything works, not how good answers can be."
            )
        return sums.faults()

    def _wait_for_the_last(self, job: Job) -> None:
        """A job that was paused still has calls in flight."""
        while job.items.filter(status=Item.Status.CLAIMED, lease_until__gte=timezone.now()).exists():
            time.sleep(0.2)

    def say(self, text: str) -> None:
        """A line, at once."""
        self.stdout.write(text)
        self.stdout.flush()

"""The chaos itself: jobs run, processes die by a seeded list, and at the end everything is looked at."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from django.db import OperationalError, close_old_connections, connection
from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.lost import ABANDONED
from aiops.gateway.testing import StandIn
from aiops.jobs.control import resume, stop
from aiops.jobs.errors import WrongState
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from prompts.models import Prompt, PromptVersion
from tests.chaos.aim import Aim
from tests.chaos.cluster import Workers, wait_for, wake
from tests.chaos.promises import broken, left, too_late, twice
from tests.chaos.server import SERVER_VARIABLE, Server
from tests.chaos.settings import MAX_IN_FLIGHT, Q_CLUSTER
from tests.hammers import ROOT

STANDS = 7.0
"""Seconds that a process stands still: longer than any lease."""

ROWS = 25
"""Of a job."""

AT_ONCE = 3
"""Jobs."""

MOST_IN_FLIGHT = Q_CLUSTER["workers"] * 2 * MAX_IN_FLIGHT
"""Calls of one cluster: those that fly, and as many that are held ready."""

RESTS = timedelta(seconds=1)
"""How long a job stays stopped."""

STOPS_NOW = 0.1
"""How likely a job is stopped now, each time that the site is minded."""

OF_OTHERS = ("plan.", "stop.", "resume.", "retry.", "batch.", "schedule.")
"""Places where no worker comes by."""


def places() -> list[str]:
    """The names in the code at which a worker may be hit."""
    found = set()
    for path in (ROOT / "aiops").rglob("*.py"):
        found |= set(re.findall(r'failpoint\("([a-z_.]+)"\)', path.read_text()))
    return sorted(name for name in found if not name.startswith(OF_OTHERS))


@dataclass
class Told:
    """What came of it."""

    kills: int = 0
    stops: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    """Aims at places where nobody came by in time."""

    jobs: int = 0
    rows: int = 0
    sent: int = 0
    twice: int = 0
    too_late: int = 0
    """Rows whose worker stood still for longer than their answer may take."""
    given_up: int = 0
    """Calls that were under way when their job was stopped now."""

    in_flight: int = 0
    """Calls under way at the moments at which somebody was hit."""

    replaced: int = 0
    """Clusters that the supervisor found standing still, and killed."""

    faults: list[str] = field(default_factory=list)


class Chaos:
    """One site with its workers, its provider and its budget."""

    def __init__(self, folder: Path, provider: StandIn, *, seed: int, at: Sequence[str] = ()) -> None:
        """
        Args:
            at: places where to hit, or of `OUTSIDE`; empty for all of both.
        """
        self.at = at
        self.dice = random.Random(seed)
        self.provider = provider
        self.told = Told()
        self.texts: dict[str, int] = {}
        self._aim = Aim(folder)
        self._numbers = count(1)
        self._version = _prompt()
        Budget.objects.update_or_create(
            name="All", defaults={"scope": "everything", "renewal": "month", "cap": 10**15, "active": True}
        )
        self.workers = Workers(folder)

    def run(self, kills: int, *, patience: float) -> Told:
        """Let so many processes be hit, then wait for the end and look.

        Args:
            patience: seconds after the last death in which everything must have come to its end.
        """
        deaths = self._deaths()
        try:
            while self.told.kills + self.told.stops < kills:
                self._mind()
                next(deaths)()
            self._aim.drop()
            if not wait_for(self._is_over, patience, every=0.5):
                self.told.faults.append(f"not at its end after {patience:.0f} s: {left()}")
        finally:
            # They are in sessions of their own: Ctrl-C does not reach them.
            self.workers.end()
        self._count()
        return self.told

    def _mind(self) -> None:
        """What a site does by itself each minute, and whoever runs it when something has ended."""
        self.workers.keep_going()
        try:
            self._stop_one_now()
            while Job.objects.filter(status__in=[Job.Status.PLANNING, Job.Status.RUNNING]).count() < AT_ONCE:
                self._start_job()
            sweep()
        except OperationalError:
            close_old_connections()

    def _stop_one_now(self) -> None:
        """Somebody stops a job now, with what is in flight; and lets those go on that were stopped."""
        for job in Job.objects.filter(status=Job.Status.STOPPED, ended_at__lt=timezone.now() - RESTS):
            resume(job)
        running = Job.objects.filter(status=Job.Status.RUNNING).order_by("?").first()
        if running is not None and self.dice.random() < STOPS_NOW:
            with suppress(WrongState):
                stop(running, give_up=True)

    def _start_job(self) -> None:
        number = next(self._numbers)
        tickets = Ticket.objects.bulk_create(Ticket(text=f"Job {number}, row {row}.") for row in range(ROWS))
        self.texts |= {ticket.text: ticket.pk for ticket in tickets}
        keys = ",".join(str(ticket.pk) for ticket in tickets)
        start_job(self._version, model_source("helpdesk.Ticket", filters=[f"pk__in={keys}"]))
        self.told.jobs += 1

    def _deaths(self) -> Iterator[Callable[[], None]]:
        """Each place once, in any order, and again; in between, somebody is hit from outside."""
        while True:
            names = list(self.at) or places()
            self.dice.shuffle(names)
            for name in names:
                if name in OUTSIDE:
                    yield lambda name=name: self._hit_from_outside(name)
                    continue
                yield lambda name=name: self._hit_at(name)
                if not self.at and self.dice.random() < 0.5:
                    yield lambda: self._hit_from_outside(self.dice.choice(OUTSIDE))

    def _hit_at(self, name: str) -> None:
        stands = self.dice.random() < 0.2
        self._aim.take(name, signal.SIGSTOP if stands else signal.SIGKILL, skip=self.dice.randrange(4))
        until = time.monotonic() + 6
        while self._aim.hit() is None and time.monotonic() < until:
            self._mind()
            time.sleep(0.2)
        pid = self._aim.hit()
        self._aim.drop()
        if pid is None:
            self.told.missed += 1
            return
        self._note(f"{'stop' if stands else 'kill'} at {name}", pid, stands=stands)

    def _hit_from_outside(self, kind: str) -> None:
        time.sleep(2 * self.dice.random())
        if kind == "database":
            self._note(self._restart_database(), None, stands=False)
            return
        role, number = kind.split()
        pid = self.workers.send(role, signal.Signals[f"SIG{number}"], pick=self.dice.randrange(8))
        if pid is not None:
            self._note(kind, pid, stands=number == "STOP")

    def _note(self, kind: str, pid: int | None, *, stands: bool) -> None:
        self.told.by_kind[kind] += 1
        # Those of the dead stay open until their leases end.
        self.told.in_flight += Call.objects.open().count()
        if stands and pid is not None:
            self.told.stops += 1
            # By itself: whoever stands still may have a lock that the harness waits for.
            threading.Timer(STANDS, wake, [pid], {"group": kind.startswith("group")}).start()
        else:
            self.told.kills += 1

    def _restart_database(self) -> str:
        """Take it away from all who use it. Returns what was done."""
        if connection.vendor == "sqlite":
            # It has no server: its file is locked for a while.
            with connection.cursor() as cursor:
                cursor.execute("BEGIN EXCLUSIVE")
                time.sleep(2)
                cursor.execute("ROLLBACK")
            return "database LOCK"
        how = self.dice.choice(["fast", "immediate"])
        Server(Path(os.environ[SERVER_VARIABLE])).restart(how)
        connection.close()
        return f"database {how.upper()}"

    def _is_over(self) -> bool:
        self.workers.keep_going()
        try:
            for job in Job.objects.filter(status=Job.Status.STOPPED):
                resume(job)
            sweep()
            return not any(left()[what] for what in ("jobs", "calls", "items"))
        except OperationalError:
            close_old_connections()
            return False

    def _count(self) -> None:
        asked = [request.messages[-1]["content"] for request in self.provider.requests if request.operation]
        told = self.told
        told.sent, told.rows, told.replaced = len(asked), len(self.texts), self.workers.replaced
        told.faults += broken(Counter(asked), self.texts)
        told.given_up = Call.objects.filter(error_kind=ABANDONED).count()
        told.twice, told.too_late = twice() - told.given_up, too_late()
        if told.too_late > (most := told.stops * MOST_IN_FLIGHT):
            told.faults.append(f"{told.too_late} rows failed since they were too late, {most} may have been")
        if told.twice > (most := told.in_flight + told.replaced * MOST_IN_FLIGHT):
            told.faults.append(f"{told.twice} calls were made twice, and {most} were under way at most")


OUTSIDE = (
    *("worker KILL", "worker KILL", "worker STOP", "worker TERM", "pusher KILL", "pusher STOP", "monitor KILL"),
    *("monitor STOP", "sentinel KILL", "sentinel STOP", "main KILL", "main TERM", "supervisor KILL", "supervisor TERM"),
    *("group KILL", "group TERM", "group STOP", "database", "database"),
)
"""Who may be hit from outside, and how."""


def _prompt() -> PromptVersion:
    prompt, _ = Prompt.objects.get_or_create(name="chaos", defaults={"title": "Chaos"})
    return prompt.add_version(
        messages=[{"role": "system", "content": "Say something."}, {"role": "user", "content": "{{ text }}"}],
        output_limit=200,
    )

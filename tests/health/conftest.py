"""Workers as processes of their own, on the database of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django_q.models import Schedule

from aiops.jobs.models import Heartbeat
from tests.commands.conftest import run as run

ROOT = Path(__file__).parent.parent.parent
GENEROUS = 120
"""Seconds: nothing here takes as long, unless it never happens."""


def wait_for(what: Callable[[], object], seconds: float = GENEROUS) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Workers:
    """One `manage.py work`."""

    def __init__(self, environment: dict[str, str], log: Path, *options: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "work", *options],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def row(self) -> Heartbeat | None:
        """Its row, once it was heard of."""
        return Heartbeat.objects.filter(cluster__endswith=f":{self.process.pid}").first()

    @property
    def main(self) -> int:
        """Number of the main process of its cluster, which is that of its group; 0 where there is none just now."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(found[0]) if found else 0

    def wait_for_beat(self) -> int:
        """Wait until it is heard of again. Returns the worker that was."""
        before = self.row.beats if self.row else 0
        wait_for(lambda: self.row and self.row.beats > before)
        return self.row.pid

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end. Returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(GENEROUS)

    def kill(self) -> None:
        """Leave nothing of it."""
        with suppress(FileNotFoundError, ProcessLookupError):
            if main := self.main:
                os.killpg(main, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_workers(provider, database_url, tmp_path):
    """Start `manage.py work`; it is gone at the end. Keyword arguments are variables of its environment."""
    # Its sweeper as migrations leave it: a flush takes it away.
    Schedule.objects.all().delete()
    call_command("migrate", verbosity=0)
    started: list[Workers] = []

    def start(*options: str, **changes: str) -> Workers:
        environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(tmp_path),
            "DEBUG": "1",
            # Messages are signed with it.
            "SECRET_KEY": site.SECRET_KEY,
            "DATABASE_URL": database_url,
            "QUEUE_WORKERS": "1",
            "OPENAI_API_KEY": "stand-in",
            "OPENAI_BASE_URL": provider.base_url,
            "PYTHONWARNINGS": "ignore",
        }
        made = Workers(environment | changes, tmp_path / f"workers-{len(started)}.log", *options)
        started.append(made)
        return made

    yield start
    for one in started:
        one.kill()

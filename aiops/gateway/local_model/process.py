"""The server's life: started, looked at, stopped. One server a directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.files import locks
from django.utils.translation import gettext as _

from aiops.gateway.local_model import server
from aiops.gateway.local_model.errors import AlreadyRunning, DidNotStart, DidNotStop, LocalModelError, NotOnThisMachine
from aiops.gateway.local_model.health import is_healthy

SLOTS = 2
CONTEXT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that is alive, as it says itself."""

    pid: int

    base_url: str
    """Up to and with `/v1`; empty while the model is being loaded."""

    model: str
    """The name it answers to."""

    path: str
    """The file it serves."""

    slots: int
    """How many requests it answers at a time; more wait inside it."""

    started_at: datetime

    @property
    def healthy(self) -> bool:
        """Whether it answers now."""
        return bool(self.base_url) and is_healthy(self.base_url)


def running(directory: Path) -> Running | None:
    """The server of that directory, or None when there is none."""
    for _attempt in range(20):
        if not _held(directory):
            return None
        # Between taking the lock and saying so lies a moment.
        with suppress(FileNotFoundError):
            facts = json.loads((directory / "server.json").read_text(encoding="utf-8"))
            return Running(**facts | {"started_at": datetime.fromisoformat(facts["started_at"])})
        time.sleep(0.05)
    return None


def command_line(
    path: Path, name: str, directory: Path, *, port: int, slots: int = SLOTS, context: int = CONTEXT, threads: int = 0
) -> list[str]:
    """What the server's process is started with.

    Args:
        port: 0 for any free one.
        slots: requests answered at a time.
        context: most tokens of one request, its answer included.
        threads: 0 for one less than this process may use processors, at least one: workers want to live too.
    """
    options = {"model": path, "name": name, "directory": directory.absolute(), "port": port}
    options |= {"slots": slots, "context": context, "threads": threads or max(1, _processors() - 1)}
    words = [word for option, value in options.items() for word in (f"--{option}", str(value))]
    # -P: its own folder is no place to import from.
    return [sys.executable, "-P", server.__file__, *words]


def start(command: list[str], directory: Path, *, wait: float = 60.0) -> Running | None:
    """Start it in the background and wait until it answers.

    Args:
        command: as `command_line` gives it.
        wait: seconds; 0 returns at once, with None.

    Raises:
        AlreadyRunning: this directory has a server already.
        NotOnThisMachine: xllamacpp is not installed here, or does not run on this processor.
        DidNotStart: it ended by itself, or did not answer in time (it is stopped then).
    """
    if there := running(directory):
        raise AlreadyRunning(_("A local model runs already (process %d): stop it first.") % there.pid)
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own file, by this very interpreter
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    # Whoever starts it and lives on has to take note of its end, or its entry stays in the table of processes.
    threading.Thread(target=process.wait, daemon=True).start()
    if not wait:
        return None
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise why_it_ended(process.returncode, log)
        there = running(directory)
        if there and there.pid == process.pid and there.healthy:
            return there
        time.sleep(0.05)
    process.kill()
    raise DidNotStart(_("The local model did not answer within %g seconds: see %s.") % (wait, log))


def stop(directory: Path, *, wait: float = 10.0) -> Running | None:
    """End the server of that directory, politely and then not. Returns the one that ran, or None.

    Raises:
        DidNotStop: it lives on all the same.
    """
    there = running(directory)
    if there is None:
        return None
    for number, patience in ((signal.SIGTERM, wait), (getattr(signal, "SIGKILL", signal.SIGTERM), 5.0)):
        with suppress(ProcessLookupError):
            os.kill(there.pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _held(directory):
                return there
            time.sleep(0.05)
    raise DidNotStop(_("Process %d does not end: stop it by hand.") % there.pid)


def why_it_ended(code: int, log: Path | None = None) -> LocalModelError:
    """What an exit code of the server's process means."""
    if code == server.NOT_HERE:
        return NotOnThisMachine(
            _(
                "There is no local model on this machine, xllamacpp cannot be loaded: "
                'run `pip install "django-aiops[local]"` where it has a wheel, or use another connection.'
            )
        )
    if code == server.TAKEN:
        return AlreadyRunning(_("A local model runs already: stop it first."))
    if code in (-signal.SIGILL, -signal.SIGSEGV):
        return NotOnThisMachine(
            _("There is no local model on this machine, its processor cannot run xllamacpp: use another connection.")
        )
    text = log.read_text(encoding="utf-8", errors="replace") if log else ""
    if "couldn't bind" in text:
        return DidNotStart(_("The port is taken by another program: give another one with --port, or 0 for any."))
    if "failed to load model" in text:
        return DidNotStart(_("The model file cannot be loaded: it is damaged, or of an unknown kind."))
    where = _(": see %s") % log if log else ""
    return DidNotStart(_("The local model ended by itself (%d)%s.") % (code, where))


def _held(directory: Path) -> bool:
    path = directory / "server.lock"
    try:
        with path.open("a") as lock:
            # Shared: two who ask at a time must not take each other for the server.
            return not locks.lock(lock, locks.LOCK_SH | locks.LOCK_NB)
    except FileNotFoundError:
        return False


def _processors() -> int:
    # Less than the machine has, in a container that is bound to some of them.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

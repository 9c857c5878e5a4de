"""The workers of the chaos: one `manage.py work`, and who is who among its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.chaos.aim import FOLDER_VARIABLE
from tests.hammers import ROOT

STALE = 8
"""Seconds of silence after which the supervisor replaces its cluster."""

ROLES = ("worker", "pusher", "monitor", "sentinel", "main", "supervisor")


class Workers:
    """Started at once; `.keep_going()` starts them again where nothing is left of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = os.environ | {FOLDER_VARIABLE: str(folder)}
        self._process: subprocess.Popen[bytes] | None = None
        self.keep_going()

    def keep_going(self) -> None:
        """Start the supervisor where it has ended: nothing watches over it but whoever runs the machine."""
        if self._process is not None and self._process.poll() is None:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "tests/chaos/manage.py", "work", "--stale", str(STALE), "--grace", "10"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def replaced(self) -> int:
        """Clusters that were killed by their supervisor."""
        return (self.folder / "log").read_text(errors="replace").count("are killed")

    def of_role(self, role: str) -> list[int]:
        """Numbers of the processes that are that."""
        assert self._process is not None
        if role == "supervisor":
            return [self._process.pid] if self._process.poll() is None else []
        mains = _children(self._process.pid)
        if role == "main":
            return mains
        found = []
        for main in mains:
            for sentinel in _children(main):
                found += (
                    [sentinel]
                    if role == "sentinel"
                    else [child for child in _children(sentinel) if self._said(child) == role]
                )
        return found

    def send(self, role: str, number: int, *, pick: int = 0) -> int | None:
        """Send a signal to one of them. Returns which; None where there is none just now."""
        if role == "group":
            return self._send_to_group(number)
        there = self.of_role(role)
        if not there:
            return None
        with suppress(ProcessLookupError):
            os.kill(there[pick % len(there)], number)
        return there[pick % len(there)]

    def end(self) -> None:
        """Ask them to end; kill what has not."""
        assert self._process is not None
        mains = self.of_role("main")
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        for main in mains:
            with suppress(ProcessLookupError):
                os.killpg(main, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def _send_to_group(self, number: int) -> int | None:
        for main in self.of_role("main"):
            with suppress(ProcessLookupError):
                os.killpg(main, number)
                return main
        return None

    def _said(self, pid: int) -> str:
        with suppress(FileNotFoundError):
            return (self.folder / f"role-{pid}").read_text()
        return ""


def wake(pid: int, *, group: bool) -> None:
    """Let a process that stands still go on, where it is still there.

    Args:
        group: and all of its group.
    """
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, signal.SIGCONT)


def wait_for(what: Callable[[], object], seconds: float, *, every: float = 0.05) -> bool:
    """Whether a callable became true in that time."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(every)
    return True


def _children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []

"""Keeps a cluster of workers going: starts it, watches it, and puts another in its place where it stands still.

The cluster has a process group of its own, so that all of it can be killed: one that hangs hears nothing else.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from aiops.health.busy import Notes
from aiops.health.cluster import NOTES_VARIABLE
from aiops.health.eye import Eye
from aiops.health.watch import Watch
from aiops.jobs.heartbeat import CLUSTER_VARIABLE, name_of

logger = logging.getLogger(__name__)

TICK = 0.2
"""Seconds between two looks at the processes."""

LONGEST_PAUSE = 30.0
"""Seconds between two starts of a cluster that ends by itself each time: a wrong setting, a database that is away."""

AT_HOME = 60.0
"""Seconds that a cluster has to live for its end to be the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited for what. Seconds."""

    stale: float
    """Of silence, after which it is killed and started anew; infinite: never."""

    grace: float
    """From SIGTERM until what is left of the cluster is killed."""


class Supervisor:
    """`run()` it in the main thread. It ends on SIGTERM or SIGINT, with the cluster; on a second one at once."""

    def __init__(self, command: Sequence[str], patience: Patience, *, environment: Mapping[str, str]) -> None:
        """
        Args:
            command: what starts the cluster.
            environment: what else it finds in its environment.
        """
        self.cluster = name_of(os.getpid())
        self._command = command
        self._patience = patience
        self._folder = Path(tempfile.mkdtemp(prefix="aiops-workers-"))
        self._notes = Notes(self._folder)
        self._environment = {
            **environment,
            CLUSTER_VARIABLE: self.cluster,
            NOTES_VARIABLE: str(self._folder),
        }
        self._eye = Eye(self.cluster, asks_every=patience.stale / 4)
        self._is_watched = patience.stale < float("inf")
        self._asked_to_end = 0

    def run(self) -> None:
        """Keep a cluster going until somebody asks for the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        pause = 0.0
        try:
            while not self._asked_to_end:
                started = time.monotonic()
                self._one_cluster()
                pause = 0.0 if time.monotonic() - started > AT_HOME else min(LONGEST_PAUSE, 2 * pause + 1)
                self._sleep(pause)
            self._eye.close()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_end += 1

    def _one_cluster(self) -> None:
        """From the start of a cluster until the last of its processes is gone."""
        self._notes.clear()
        self._eye.begin()
        process = subprocess.Popen(  # noqa: S603 - our own command
            self._command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        logger.info("Workers %s started, process %d.", self.cluster, process.pid)
        try:
            self._mind(process)
        finally:
            # Whatever its main process has left behind would work on with nobody to watch it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _mind(self, process: subprocess.Popen[bytes]) -> None:
        """Watch a cluster until it has ended, or has to be killed."""
        watch = Watch(patience=self._patience.stale, at=time.monotonic())
        ends_at = float("inf")
        while process.poll() is None:
            now = time.monotonic()
            if self._asked_to_end and ends_at == float("inf"):
                ends_at = now + self._patience.grace
                # The main process alone: asked all at once, a cluster hangs.
                process.send_signal(signal.SIGTERM)
            if self._asked_to_end > 1 or now > ends_at:
                logger.warning("Workers %s have not ended in time: they are killed.", self.cluster)
                return
            beats = self._eye.look(asking=self._is_watched and not self._asked_to_end, silent=watch.silent, at=now)
            watch.look(beats, busy=self._notes.anybody(now), at=now)
            if watch.stands_still:
                logger.error("Workers %s stand still for %.0f s: they are killed.", self.cluster, watch.silent)
                return
            time.sleep(TICK)
        if not self._asked_to_end:
            logger.error("Workers %s have ended by themselves, with code %s.", self.cluster, process.returncode)

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._asked_to_end:
            time.sleep(TICK)

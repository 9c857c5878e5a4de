"""The queue's workers, for as long as they are needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 15.0
"""Seconds for a cluster to end by itself."""


@contextmanager
def workers(log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """`manage.py qcluster` in the background, with all its processes gone at the end of the block."""
    manage = Path(__file__).resolve().parent.parent.parent / "manage.py"
    with log.open("wb") as output:
        cluster = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, str(manage), "qcluster"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The main process alone first: asked all at once, a cluster hangs.
        cluster.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            cluster.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
        cluster.wait()

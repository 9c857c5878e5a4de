"""What something costs, whatever else the machine is doing."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

SERVER_PROCESSES: dict[str, Path] = {}


def cpu_of(alias: str) -> float:
    """Seconds of a processor that this process has had, and its server process where there is one on this machine."""
    from django.db import connections

    seconds = time.process_time()
    if connections[alias].vendor == "postgresql":
        if alias not in SERVER_PROCESSES:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                SERVER_PROCESSES[alias] = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
        with suppress(OSError):
            seconds += int(SERVER_PROCESSES[alias].read_text().split()[0]) / 1e9
    return seconds

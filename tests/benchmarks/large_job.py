"""A job of a million rows planned, and one of a hundred thousand worked off: memory and what a row takes on disk.

Memory is that of the process itself, after every tenth of the way: it must not grow with the rows.

    python -m tests.benchmarks.large_job --planned 1000000 --worked 100000
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.worker import Numbers, site, stand_in

GROWTH = 1.25
"""Memory at the end, to that after a fifth of the way: what is more has grown with the rows."""


def main() -> int:
    """Run it; 1 where memory has grown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planned", type=int, default=1_000_000)
    parser.add_argument("--worked", type=int, default=100_000)
    parser.add_argument("--in-flight", type=int, default=200)
    options = parser.parse_args()
    with stand_in(0.05) as url, tempfile.TemporaryDirectory() as directory:
        site(url, options.in_flight, directory)
        flat = [planned(options.planned, Path(directory)), worked(options.worked, Path(directory))]
    return int(not all(flat))


def planned(rows: int, directory: Path) -> bool:
    """Write the items of so many rows. Returns whether memory stayed as it was."""
    from django.db import connection

    from aiops.jobs.start import start_job
    from prompts.lookup import find_version

    before, started = size(directory), time.monotonic()
    with watched(rows, lambda: Watch.seen) as memory:
        job = start_job(find_version("triage"), Watch(rows))
    taken = time.monotonic() - started
    assert job.item_count == rows
    say(
        f"planned {rows:,} rows in {taken:.0f} s ({rows / taken:,.0f} a second), "
        f"{(size(directory) - before) / rows:,.0f} bytes a row on disk · {told(memory)}"
    )
    job.delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
    return is_flat(memory)


def worked(rows: int, directory: Path) -> bool:
    """Ask about so many rows. Returns whether memory stayed as it was."""
    from aiops.jobs.models import Item, Job
    from aiops.jobs.start import start_job
    from aiops.jobs.tasks import work
    from prompts.lookup import find_version

    before = size(directory)
    job = start_job(find_version("triage"), Numbers(rows))
    items = Item.objects.filter(job=job)
    started = time.monotonic()
    with watched(rows, lambda: items.filter(status=Item.Status.SUCCEEDED).count(), every=2.0) as memory:
        work(job.pk)
    taken = time.monotonic() - started
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED, job.status
    assert items.filter(status=Item.Status.SUCCEEDED).count() == rows
    say(
        f"worked off {rows:,} rows in {taken:.0f} s ({rows / taken:,.0f} a second), item, call and sums "
        f"{(size(directory) - before) / rows:,.0f} bytes a row on disk · {told(memory)}"
    )
    return is_flat(memory)


class Watch(Numbers):
    """Rows, and how many of them were read."""

    seen = 0

    def rows(self, most: int | None = None) -> Iterator[object]:  # type: ignore[override]
        for Watch.seen, row in enumerate(super().rows(most), start=1):
            yield row


@contextmanager
def watched(rows: int, done: Callable[[], int], *, every: float = 0.1) -> Iterator[list[float]]:
    """Megabytes of this process, after each tenth of the rows."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        from django.db import connection

        while not over.wait(every):
            if done() * 10 // rows > len(found):
                found.append(megabytes())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.append(megabytes())


def megabytes() -> float:
    """That this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def is_flat(memory: list[float]) -> bool:
    return memory[-1] <= GROWTH * memory[min(1, len(memory) - 1)]


def told(memory: list[float]) -> str:
    return "memory " + ", ".join(f"{one:.0f}" for one in memory) + " MB"


def size(directory: Path) -> int:
    """Of the database, its journal included."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in directory.rglob("*sqlite3*"))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

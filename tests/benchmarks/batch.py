"""A job in batches on a provider's bad day: it ends complete, with only the missing asked again, in flat memory.

The stand-in provider is a process of its own. One of its batches expires half done, one create fails, some lines are
refused, some fail once, and no file keeps its order.

    python -m tests.benchmarks.batch --rows 120000
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.benchmarks.worker import Numbers, site

REFUSED, FAILING, OF = 7, 8, 500
"""Of so many rows one is refused for good, and another fails the first time."""

DONE = 0.6
"""Share of the lines of the batch that expires which are answered before."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run."""

    name: str
    seconds: float
    cpu: float
    peak: float
    """MB of memory at its highest, in this process."""


class Memory:
    """Watches how much memory this process has, a few times a second."""

    def __init__(self) -> None:
        self.peak = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, memory())
            time.sleep(0.1)


def memory() -> float:
    """MB that are resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def serve() -> None:
    """The provider, until it is ended."""
    from aiops.gateway.testing import BatchFate, StandIn, Status

    failed: set[int] = set()

    def number_of(request: Any) -> int:
        if request.operation != "chat":
            return -1
        words = request.messages[-1]["content"].split(maxsplit=2)
        return int(words[1].rstrip(":"))

    def fails_once(request: Any) -> bool:
        number = number_of(request)
        if number % OF != FAILING or number in failed:
            return False
        failed.add(number)
        return True

    provider = StandIn(seed=1, keep_requests=False)
    is_create = "/batches"
    provider.when(
        lambda request: request.method == "POST" and request.path.endswith(is_create),
        Status(500, message="Try again."),
        times=1,
    )
    provider.when(lambda request: number_of(request) % OF == REFUSED, Status(400, message="This is not answered."))
    provider.when(fails_once, Status(500))
    provider.batches.usual = BatchFate(lines_a_look=20_000)
    provider.batches.will(BatchFate(lines_a_look=20_000, ends="expired", done=DONE))
    with provider:
        print(provider.base_url, flush=True)  # noqa: T201
        signal.sigwait({signal.SIGTERM})


@contextmanager
def served() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.batch", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Run:
    """One job from its start to its end."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.memory = Memory()
        self.phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.memory.peak = memory()
        started, cpu = time.perf_counter(), time.process_time()
        yield
        phase = Phase(name, time.perf_counter() - started, time.process_time() - cpu, self.memory.peak)
        self.phases.append(phase)
        print(  # noqa: T201
            f"{phase.name:<28} {phase.seconds:7.1f} s  {phase.cpu / self.rows * 1000:6.2f} ms CPU a row"
            f"  {phase.peak:6.0f} MB at most",
            flush=True,
        )

    def run(self) -> Any:
        from django.utils import timezone

        from aiops.jobs.models import Batch, Job
        from aiops.jobs.start import start_job
        from aiops.jobs.tasks import work
        from prompts.lookup import find_version

        with self.phase("planned"):
            job = start_job(find_version("triage"), Numbers(self.rows), batch=True)
        with self.phase("recorded, held, sent"):
            while not job.batches.exists() or job.items.pending().exists():
                # The one whose create fails is tried again before any other is made.
                Batch.objects.open().update(look_at=timezone.now())
                work(job.pk)
        number = 0
        while job.status == Job.Status.RUNNING:
            number += 1
            with self.phase(f"minute {number}"):
                Batch.objects.open().update(look_at=timezone.now())
                work(job.pk)
            job.refresh_from_db()
            assert number < 100, list(job.batches.values("status", "error"))
        return job


def check(job: Any, rows: int, url: str) -> None:
    """Every row ended, every call is known, nothing is held, and only the missing were asked again."""
    from aiops.calls.models import Call
    from aiops.jobs.models import Batch, Item, Job
    from aiops.ledger.models import BudgetPeriod

    refused = len(range(REFUSED, rows, OF))
    failing = len(range(FAILING, rows, OF))
    batches = list(job.batches.order_by("pk"))
    expired = next(batch for batch in batches if batch.status == Batch.Status.EXPIRED)
    not_asked = expired.line_count - round(expired.line_count * DONE)
    sent = sum(batch.line_count for batch in batches)
    counts = job.items.count_by_status()
    assert job.status == Job.Status.FINISHED, job.status
    assert counts[Item.Status.FAILED] == refused, counts
    assert counts[Item.Status.SUCCEEDED] == rows - refused, counts
    assert sent == rows + not_asked + failing, (sent, not_asked, failing)
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, job.cost), period
    assert not Call.objects.open().exists()
    assert Call.objects.count() == sent
    with urlopen(f"{url.removesuffix('/v1')}/stand-in/totals") as response:
        totals = json.load(response)
    assert totals["answers"] == Call.objects.filter(status=Call.Status.SUCCEEDED).count() == rows - refused, totals
    print(  # noqa: T201
        f"\n{rows:,} rows: {rows - refused:,} succeeded, {refused:,} refused by the provider, 0 left\n"
        f"{len(batches)} batches with {sent:,} lines: {not_asked:,} that expired and {failing:,} that failed once "
        f"were sent again, no other\n"
        f"held: {period.held}, calls known to the provider = calls in the log: {totals['answers']:,}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=120_000)
    parser.add_argument("--lines", type=int, default=50_000, help="most lines of a batch")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    with served() as url, tempfile.TemporaryDirectory() as directory:
        site(url, 100, directory)
        from django.conf import settings

        settings.AIOPS["CONNECTIONS"]["default"] |= {"SUPPORTS_BATCH": True, "BATCH_LINES": options.lines}
        settings.AIOPS["SLICE_SECONDS"] = 60
        from aiops.gateway.connections import get_connection
        from aiops.options import options as ours

        get_connection.cache_clear()
        ours.cache_clear()
        run = Run(options.rows)
        job = run.run()
        check(job, options.rows, url)
        peaks = [phase.peak for phase in run.phases]
        print(  # noqa: T201
            f"{sum(phase.seconds for phase in run.phases):.0f} s, "
            f"{sum(phase.cpu for phase in run.phases) / options.rows * 1000:.2f} ms CPU a row, "
            f"{max(peaks):.0f} MB at most"
        )


if __name__ == "__main__":
    main()

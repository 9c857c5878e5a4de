"""What a job costs those who use the site meanwhile: a web write, alone and beside a worker at full speed.

A write is what a form does: one transaction that makes a row and changes it. It comes from a process of its own, forty
times a second.

    python -m tests.benchmarks.writes --seconds 20 --database sqlite postgres
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Self

from tests.benchmarks.databases import database
from tests.benchmarks.worker import Numbers, site, stand_in
from tests.hammers import ROOT

EVERY = 0.025
"""Seconds between two writes."""

MOST = 3.0
"""Times as long as alone that the slowest hundredth may take beside a job."""


@dataclass(frozen=True, slots=True)
class Writes:
    """How long they took, milliseconds."""

    count: int
    middle: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> Self:
        milliseconds = sorted(one * 1000 for one in seconds)
        p99 = milliseconds[min(len(milliseconds) - 1, len(milliseconds) * 99 // 100)]
        return cls(len(milliseconds), statistics.median(milliseconds), p99, milliseconds[-1])

    def sentence(self) -> str:
        return f"{self.count} writes, middle {self.middle:.1f} ms, p99 {self.p99:.1f} ms, longest {self.longest:.1f} ms"


def main() -> int:
    """Run it on each database, in a process of its own; 1 where a job slows writes down by more than `MOST`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that the stand-in takes to answer")
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--part", choices=["site", "writer"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "writer":
        return write(options.seconds)
    if options.part == "site":
        return beside(options)
    codes = []
    for kind in options.database:
        with database(kind) as url:
            command = [*this_module("site", options.seconds), "--in-flight", str(options.in_flight)]
            environ = os.environ | {"DATABASE_URL": url}
            command += ["--latency", str(options.latency), "--database", kind]
            codes.append(subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode)
    return max(codes)


def beside(options: argparse.Namespace) -> int:
    """One database: alone, then beside a worker."""
    with stand_in(options.latency) as url, tempfile.TemporaryDirectory() as directory:
        site(url, options.in_flight, directory, slice_seconds=options.seconds + 6)
        alone = writes(options.seconds)
        from aiops.jobs.start import start_job
        from aiops.jobs.tasks import work
        from prompts.lookup import find_version

        # More than it can work off meanwhile.
        rows = round(2 * options.seconds * options.in_flight / max(options.latency, 0.2))
        job = start_job(find_version("triage"), Numbers(rows))
        with writer(options.seconds) as process:
            started = time.monotonic()
            ended = work(job.pk)
            rate = ended / (time.monotonic() - started)
            during = told_by(process)
    ratio = during.p99 / alone.p99
    say(f"{options.database[0]}: alone {alone.sentence()}")
    say(
        f"{options.database[0]}: beside a worker at {rate:.0f} rows/s {during.sentence()}: p99 {ratio:.1f} × that alone"
    )
    return int(ratio > MOST)


def writes(seconds: int) -> Writes:
    with writer(seconds) as process:
        return told_by(process)


def writer(seconds: int) -> subprocess.Popen[str]:
    return subprocess.Popen(this_module("writer", seconds), cwd=ROOT, stdout=subprocess.PIPE, text=True)


def told_by(process: subprocess.Popen[str]) -> Writes:
    output, _ = process.communicate()
    return Writes.of(json.loads(output))


def write(seconds: int) -> int:
    """The process that writes."""
    import django

    django.setup()
    from django.db import transaction

    from project.helpdesk.models import Ticket

    taken: list[float] = []
    # The first ones also load what all later ones use, and a worker beside it begins.
    until = time.monotonic() + 2
    while time.monotonic() < until:
        Ticket.objects.create(text="The first ones.")
        time.sleep(EVERY)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.perf_counter()
        with transaction.atomic():
            ticket = Ticket.objects.create(text="A customer writes.")
            ticket.category = "card"
            ticket.save(update_fields=["category"])
        taken.append(time.perf_counter() - started)
        time.sleep(EVERY)
    say(json.dumps(taken))
    return 0


def this_module(part: str, seconds: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.writes", "--part", part, "--seconds", str(seconds)]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""A worker beside a bare loop: what the whole path costs, and how near to the provider's speed it comes.

The bare loop is `AsyncOpenAI` with a semaphore in a `gather`; it stores nothing. Both ask the same requests of the same
stand-in provider, which is a process of its own, and take turns within one run: times drift, ratios do not.

    python -m tests.benchmarks.worker --rounds 3 --rows 1000
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiops.jobs.sources import SourceRow

TICKET = "I was charged twice for my subscription this month, and the second payment is still pending. " * 16
SYSTEM = "You sort tickets of a bank by what they are about, how urgent they are and in which language they are. " * 4
CHOICES = ["card", "cash", "payment", "transfer", "top_up", "account"]
REASON = "The customer was charged twice and asks for the second payment to be refunded. " * 8
BODY = {
    "type": "object",
    "properties": {
        "category": {"type": "string", "enum": CHOICES},
        "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
        "reason": {"type": "string", "enum": [REASON]},
    },
    "required": ["category", "priority", "reason"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One way over all rows, once."""

    rows: int
    seconds: float
    cpu: float
    """Seconds of this process, all threads."""

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu / self.rows * 1000


@contextmanager
def stand_in(latency: float) -> Iterator[str]:
    """The base URL of a stand-in provider in a process of its own."""
    command = [sys.executable, "-m", "aiops.gateway.testing", "--port", "0", "--latency", str(latency), "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def bare(url: str, rows: int, in_flight: int) -> Run:
    from openai import AsyncOpenAI

    async def all_of_them() -> None:
        gate = asyncio.Semaphore(in_flight)
        async with AsyncOpenAI(api_key="stand-in", base_url=url, max_retries=0) as client:

            async def one(number: int) -> str | None:
                async with gate:
                    answer = await client.chat.completions.create(
                        model="gpt-6-luna",
                        messages=[
                            {"role": "system", "content": SYSTEM},
                            {"role": "user", "content": f"Ticket {number}: {TICKET}"},
                        ],
                        max_completion_tokens=400,
                        response_format={
                            "type": "json_schema",
                            "json_schema": {"name": "triage", "schema": BODY, "strict": True},
                        },
                    )
                    return answer.choices[0].message.content

            answers = await asyncio.gather(*(one(number) for number in range(rows)))
            assert all(answers)

    return measured(rows, lambda: asyncio.run(all_of_them()))


def ours(rows: int) -> Run:
    from aiops.jobs.models import Item, Job
    from aiops.jobs.start import start_job
    from aiops.jobs.tasks import work
    from prompts.lookup import find_version

    job = start_job(find_version("triage"), Numbers(rows))
    run = measured(rows, lambda: work(job.pk))
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED, job.status
    assert job.items.filter(status=Item.Status.SUCCEEDED).count() == rows
    return run


def measured(rows: int, do: Callable[[], object]) -> Run:
    started, cpu = time.perf_counter(), time.process_time()
    do()
    return Run(rows, time.perf_counter() - started, time.process_time() - cpu)


class Numbers:
    """A source of rows that all differ."""

    variables = frozenset({"number", "text"})
    model = None

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def count(self) -> int:
        return self._rows

    def fingerprint(self) -> str:
        return str(self._rows)

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        from aiops.jobs.sources import SourceRow

        for number in range(self._rows if most is None else min(most, self._rows)):
            yield SourceRow({"number": number, "text": TICKET})

    def describe(self) -> str:
        return f"{self._rows} rows"

    def as_json(self) -> dict[str, object]:
        return {"rows": self._rows}


def site(url: str, in_flight: int, directory: str, *, slice_seconds: float = 3600) -> None:
    """Set Django up on a fresh database of its own, with a version to run."""
    os.environ.update(VAR_DIR=directory, DEBUG="0", SECRET_KEY="b" * 50, ENV_FILE="/dev/null")
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.AIOPS["CONNECTIONS"]["default"] = {
        "BASE_URL": url,
        "API_KEY": "stand-in",
        "MODEL": "gpt-6-luna",
        "PROVIDER": "openai",
        "MAX_IN_FLIGHT": in_flight,
    }
    settings.AIOPS["SLICE_SECONDS"] = slice_seconds
    settings.LOGGING_CONFIG = None
    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    from aiops.ledger.models import Budget
    from prompts.models import OutputSchema, Prompt

    Budget.objects.update(cap=10**15)
    schema = OutputSchema.objects.create(name="triage", title="Triage").add_version(BODY)
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Ticket {{ number }}: {{ text }}"},
    ]
    prompt = Prompt.objects.create(name="triage", title="Triage")
    prompt.add_version(messages=messages, output_limit=400, schema=schema).publish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that the stand-in takes to answer")
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--naive", type=int, default=0, metavar="ROWS", help="so many rows the usual way as well")
    options = parser.parse_args()
    ideal = options.in_flight / options.latency if options.latency else float("inf")
    with stand_in(options.latency) as url, tempfile.TemporaryDirectory() as directory:
        site(url, options.in_flight, directory)
        ours(100)  # Imports, compiled templates, the price data.
        bare(url, 100, options.in_flight)
        pairs = []
        for round_number in range(1, options.rounds + 1):
            pair = bare(url, options.rows, options.in_flight), ours(options.rows)
            pairs.append(pair)
            for name, run in zip(("bare loop", "worker"), pair, strict=True):
                print(  # noqa: T201
                    f"{round_number}  {name:<10} {run.rate:7.1f} rows/s  {run.rate / ideal:6.1%} of the ideal"
                    f"  {run.cpu_ms:.2f} ms CPU a row"
                )
        usual = None
        if options.naive:
            from tests.benchmarks.naive import naive

            usual = naive(url, options.naive)
    ratio = statistics.median(one.cpu_ms / loop.cpu_ms for loop, one in pairs)
    share = statistics.median(one.rate / ideal for _, one in pairs)
    print(  # noqa: T201
        f"\n{options.in_flight} in flight, {options.latency * 1000:.0f} ms an answer, {options.rows} rows, "
        f"median of {options.rounds}:\n"
        f"CPU a row, worker to bare loop: {ratio:.2f}\nworker's share of the ideal rate: {share:.1%}"
    )
    if usual is not None:
        quicker = statistics.median(one.rate for _, one in pairs) / usual.rate
        print(f"one queued task a row, 8 workers: {usual.rate:.1f} rows/s; a worker is {quicker:.0f} times as quick")  # noqa: T201


if __name__ == "__main__":
    main()

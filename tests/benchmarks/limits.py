"""Whether a limit is held, used up and shared fairly by four processes, and what it costs, on each backend.

Four processes with 125 calls waiting in each hammer a limit of 600 a minute for two minutes; then, for 20 seconds more,
a person's call comes into each of them now and then.

    python -m tests.benchmarks.limits --seconds 120 --backend sqlite postgres redis
"""

from __future__ import annotations

import argparse
import bisect
import os
import subprocess
import sys
import time
import uuid

from tests.benchmarks.databases import database
from tests.hammers import ROOT, Hammers

REDIS_URL = os.environ.get("AIOPS_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
LIMIT = 600
SLOT = 60 / LIMIT
CALLERS = 125


def most_within(moments: list[float], seconds: float) -> int:
    """The greatest number of moments in any stretch of so many seconds."""
    return max(bisect.bisect_left(moments, first + seconds) - place for place, first in enumerate(moments))


def hold_the_limit(url: str, redis_url: str | None, seconds: float) -> str:
    plan = {
        "database_url": url,
        "module": "tests.limits.hammer",
        "redis_url": redis_url,
        "options": {"REQUESTS_PER_MINUTE": LIMIT},
        "model": f"limit-{uuid.uuid4().hex[:8]}",
        "callers": CALLERS,
    }
    said = Hammers(4, seconds=seconds, **plan).end()
    moments = sorted(moment for one in said for moment in one["granted"])
    after_burst = [moment for moment in moments if moment > moments[0] + 1]
    used = len(moments) / (LIMIT / 60 * seconds)
    shares = " ".join(f"{len(one['granted']) / len(moments):.0%}" for one in said)
    people = Hammers(4, seconds=20, person_every=1.7, **plan).end()
    waits = sorted(wait for one in people for _, wait in one["waits"])
    return (
        f"{most_within(after_burst, 60)} at most in 60 s ({most_within(moments, 60)} with the first burst), "
        f"{used:.1%} used, shares {shares}, "
        f"{sum(one['cpu'] for one in said) / seconds:.1%} CPU of the four, starting included\n"
        f"{'':<10}{len(waits)} people behind {4 * CALLERS} of jobs waited {waits[len(waits) // 2] / SLOT:.2f} slots "
        f"(median), {waits[-1] / SLOT:.2f} at most"
    )


ACQUIRE = """
import asyncio, sys, time
import django
from django.conf import settings
settings.AIOPS["CONNECTIONS"]["default"] |= {"REQUESTS_PER_MINUTE": 600_000_000, "TOKENS_PER_MINUTE": 10**12}
settings.AIOPS["REDIS_URL"] = sys.argv[1] or None
settings.LOGGING_CONFIG = None
django.setup()
from aiops.gateway.connections import get_connection
from aiops.limits.take import JOB, atake, take
connection, model = get_connection(), sys.argv[2]
def one_by_one(count):
    for _ in range(count):
        with take(connection, model, tokens=100) as permit:
            pass
async def together(count):
    async def one():
        async with atake(connection, model, tokens=100, priority=JOB):
            pass
    for _ in range(count // 100):
        await asyncio.gather(*(one() for _ in range(100)))
one_by_one(200)
started, cpu = time.perf_counter(), time.process_time()
one_by_one(3000)
first = (time.perf_counter() - started) / 3000 * 1e6, (time.process_time() - cpu) / 3000 * 1e6
started, cpu = time.perf_counter(), time.process_time()
asyncio.run(together(20000))
print(*first, (time.perf_counter() - started) / 20000 * 1e6, (time.process_time() - cpu) / 20000 * 1e6)
free = get_connection("local")
started = time.perf_counter()
for _ in range(20000):
    with take(free, "m"):
        pass
print((time.perf_counter() - started) / 20000 * 1e6)
"""


def cost(url: str, redis_url: str | None) -> str:
    environ = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", ACQUIRE, redis_url or "", f"cost-{uuid.uuid4().hex[:8]}"]
    said = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout.split()
    alone, alone_cpu, together, together_cpu, none = map(float, said)
    return (
        f"one at a time {alone:.0f} µs ({alone_cpu:.0f} CPU), a hundred at a time {together:.0f} µs each "
        f"({together_cpu:.0f} CPU), where there is no limit {none:.1f} µs"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--backend", nargs="+", default=["sqlite", "postgres", "redis"])
    options = parser.parse_args()
    for backend in options.backend:
        redis_url = REDIS_URL if backend == "redis" else None
        with database(backend) as url:
            started = time.strftime("%H:%M:%S")
            print(f"{backend:<10}{cost(url, redis_url)}", flush=True)  # noqa: T201
            print(f"{started:<10}{hold_the_limit(url, redis_url, options.seconds)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

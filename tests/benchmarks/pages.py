"""What the pages of a long log take: the same pages at 1,000 calls and at a million, on each database.

The pages are asked of the real site by Django's test client, so a time is all that a server does for a page. Both logs
are asked in turn, several times, and medians are taken. Other work on the machine makes pages wait: the goals are held
against the time of processors, the database's own included, and time by the clock is shown beside it.

The addresses are those that the lists themselves offer: every choice of every filter, two together, every order, the
numbered pages, those beyond, and what may be searched for.

    python -m tests.benchmarks.pages --calls 1000000 --database sqlite postgres
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.benchmarks.databases import database
from tests.benchmarks.processors import cpu_of
from tests.benchmarks.two_logs import LONG, SHORT, looking_at, set_up

if TYPE_CHECKING:
    from tests.benchmarks.addresses import Page

FEW = 1000
GOALS = {"sqlite": 60.0, "postgres": 90.0}
DEEPEST = 110.0
"""Milliseconds: for any page of the list of calls, and for its last numbered one."""

PATIENCE = 1.0
"""Seconds for one page: nobody need wait for what is a hundred times too slow to know it better."""

AGAIN = 4
"""Times as often is a page asked that seems to be beyond the goal, before that is said of it."""

SHOWN = 3
"""The slowest of many addresses of one kind."""


def main() -> int:
    """Run it; 1 where a page of the list of calls is beyond the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is asked")
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--only", default="", metavar="TEXT", help="only addresses with this in their name")
    parser.add_argument("--all", action="store_true", help="show every address, not the slowest of each kind")
    parser.add_argument(
        "--kept", nargs=2, default=(), metavar="URL", help="the short and the long log: migrated databases that stay"
    )
    options = parser.parse_args()
    code = 0
    for kind in options.database:
        # A process of its own for each: Django is set up once.
        pid = os.fork()
        if not pid:
            with ExitStack() as stack:
                urls = options.kept or [stack.enter_context(database(kind, name)) for name in (SHORT, LONG)]
                one = measure(kind, urls, options)
            os._exit(one)
        code = max(code, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return code


def measure(kind: str, urls: Sequence[str], options: argparse.Namespace) -> int:
    set_up(*urls)
    from django.db import connections

    from tests.benchmarks.addresses import pages_of, people
    from tests.benchmarks.half_a_year import fill

    sides = {}
    for alias, calls in ((SHORT, FEW), (LONG, options.calls)):
        with looking_at(alias):
            started = time.monotonic()
            shop = fill(calls)
            say(f"{kind}: {calls:,} calls, {size(connections[alias]):.2f} GB, {time.monotonic() - started:.0f} s")
            sides[alias] = {person: (client, list(pages_of(shop))) for person, client in people().items()}
    found = []
    for person, (client, pages) in sides[LONG].items():
        others = {page.title: page for page in sides[SHORT][person][1]}
        for page in pages:
            if options.only in page.title and (person == "boss" or page.is_for_clerk):
                short = (sides[SHORT][person][0], others.get(page.title))
                one = taken(person, page, client, short, options.rounds)
                if is_beyond(kind, one):
                    # Perhaps something else was in the way.
                    one = taken(person, page, client, short, AGAIN * options.rounds)
                found.append(one)
    return report(kind, found, options)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one page, in milliseconds."""

    wall: float
    cpu: float
    """Of this process and of the database: what it would take on a machine that has nothing else to do."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a page took."""

    person: str
    page: Page
    short: Cost | None
    """None: the short log has no such page."""

    long: Cost
    queries: int


def taken(person: str, page: Page, client: Any, short: tuple[Any, Page | None], rounds: int) -> Taken:
    from django.db import connections, reset_queries
    from django.test.utils import CaptureQueriesContext

    reset_queries()
    with looking_at(LONG), CaptureQueriesContext(connections[LONG]) as queries:
        response = client.get(page.url)
    # Asked now: the next request lets Django forget them.
    asked = len(queries)
    assert response.status_code == 200, (page.url, response.status_code)
    other_client, other = short
    costs: dict[str, list[Cost]] = {SHORT: [], LONG: []}
    while len(costs[LONG]) < rounds and sum(cost.wall for cost in costs[LONG]) < PATIENCE:
        if other is not None:
            costs[SHORT].append(cost_of(SHORT, lambda url=other.url: other_client.get(url)))
        costs[LONG].append(cost_of(LONG, lambda: client.get(page.url)))
    return Taken(person, page, median(costs[SHORT]) if costs[SHORT] else None, median(costs[LONG]), asked)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def cost_of(alias: str, do: Callable[[], object]) -> Cost:
    with looking_at(alias):
        before, started = cpu_of(alias), time.perf_counter()
        do()
        wall = time.perf_counter() - started
        return Cost(wall * 1000, (cpu_of(alias) - before) * 1000)


def size(connection: Any) -> float:
    """Gigabytes of a database."""
    sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    with connection.cursor() as cursor:
        cursor.execute(sqlite if connection.vendor == "sqlite" else "SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0]) / 1e9


def report(kind: str, found: Sequence[Taken], options: argparse.Namespace) -> int:
    """Print it, the slowest of each kind last; returns whether a page of calls is beyond the goal."""
    groups: dict[str, list[Taken]] = {}
    for one in found:
        groups.setdefault(f"{one.person}: {one.page.group}", []).append(one)
    goal = GOALS[kind]
    say(f"\n{kind}, ms: CPU at {FEW:,} calls, CPU and time at {options.calls:,}, ratio; ! beyond {goal:.0f} CPU")
    for group, ones in groups.items():
        ones.sort(key=lambda one: one.long.cpu)
        half = ones[len(ones) // 2].long
        say(f"{group}: {len(ones)} pages, median {half.cpu:.0f} CPU, {half.wall:.0f} in all")
        for place, one in enumerate(ones):
            if options.all or is_beyond(kind, one) or place >= len(ones) - SHOWN:
                say(line_of(kind, one))
    of_calls = [one for one in found if one.page.is_of_calls]
    beyond = [one for one in of_calls if is_beyond(kind, one)]
    late = sum(one.long.wall > goal_of(kind, one) for one in of_calls)
    say(f"of {len(of_calls)} pages of calls {len(beyond)} are beyond the goal by CPU, {late} by time")
    return int(bool(beyond))


def goal_of(kind: str, one: Taken) -> float:
    return DEEPEST if one.page.is_deepest else GOALS[kind]


def is_beyond(kind: str, one: Taken) -> bool:
    return one.long.cpu > goal_of(kind, one)


def line_of(kind: str, one: Taken) -> str:
    short = f"{one.short.cpu:6.1f}" if one.short else "     –"
    ratio = f"{one.long.cpu / one.short.cpu:5.2f} ×" if one.short else "      –"
    mark = "!" if is_beyond(kind, one) else " "
    costs = f"{short} {one.long.cpu:7.1f} {one.long.wall:7.1f}"
    return f"  {costs} {ratio} {one.queries:3} queries {mark} {one.page.name}  {one.page.url}"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

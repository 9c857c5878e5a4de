"""What opening the page of a job takes: one of ten items and one of a hundred thousand, on each database.

The large one has everything at once: failed rows of several reasons, identical rows, some under way, many to come.
The page and the JSON that it asks for every two seconds are asked of both in turn, several times, and medians taken.
The goals are held against the time of processors, the database's own included.

    python -m tests.benchmarks.job_page --items 100000 --database sqlite postgres
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.benchmarks.databases import database
from tests.benchmarks.pages import Cost, cost_of, say

if TYPE_CHECKING:
    from aiops.jobs.models import Job

FEW = 10

RATIO = 1.5
"""Of the large job to the small one."""

MOST_CPU = 60.0
"""Milliseconds."""

REASONS = ("cut_off", "schema", "refused", "filtered", "prompt")


def main() -> int:
    """Run it; 1 where a page is beyond a goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    code = 0
    for kind in options.database:
        # A process of its own for each: Django is set up once.
        pid = os.fork()
        if not pid:
            with database(kind) as url:
                one = measure(kind, url, options)
            os._exit(one)
        code = max(code, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return code


def measure(kind: str, url: str, options: argparse.Namespace) -> int:
    os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.settings")
    import django
    from django.conf import settings

    settings.LOGGING_CONFIG = None
    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    jobs = [make_job(FEW), make_job(options.items)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    code = 0
    for name, address in (("page", "change"), ("progress", "progress")):
        urls = [f"/admin/aiops/job/{job.pk}/{address}/" for job in jobs]
        small, large = taken([lambda url=url: asked(client, url) for url in urls], options.rounds)
        beyond = large.cpu > RATIO * small.cpu or large.cpu > MOST_CPU
        say(
            f"{kind}, {name}: {FEW} items {small.cpu:.1f} ms CPU ({small.wall:.1f} in all), "
            f"{options.items:,} items {large.cpu:.1f} ({large.wall:.1f}), {large.cpu / small.cpu:.2f} × "
            f"{'! beyond the goal' if beyond else ''}"
        )
        code = max(code, int(beyond))
    return code


def asked(client: Any, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)


def taken(both: list[Callable[[], None]], rounds: int) -> list[Cost]:
    """The medians of each, in turn: what else the machine does meets both."""
    for do in both:
        do()
    costs: list[list[Cost]] = [[] for _ in both]
    for _ in range(rounds):
        for place, do in enumerate(both):
            costs[place].append(cost_of("default", do))
    return [
        Cost(statistics.median(cost.wall for cost in some), statistics.median(cost.cpu for cost in some))
        for some in costs
    ]


def make_job(items: int) -> Job:
    """A running job: of ten rows four succeeded, three failed, one is to come and two are like earlier ones."""
    from datetime import timedelta

    from django.contrib.contenttypes.models import ContentType
    from django.utils import timezone

    from aiops.jobs.counting import recount
    from aiops.jobs.models import Item, Job
    from project.helpdesk.models import Ticket
    from prompts.models import Prompt

    prompt, _ = Prompt.objects.get_or_create(name="triage-ticket", defaults={"title": "Triage a ticket"})
    now = timezone.now()
    job = Job.objects.create(
        version=prompt.add_version(messages=[{"role": "user", "content": f"{items}: {{{{ text }}}}"}]),
        connection="default",
        model="gpt-6-luna",
        source={"kind": "model"},
        source_text="rows of helpdesk.Ticket",
        row_type=ContentType.objects.get_for_model(Ticket),
        status=Job.Status.RUNNING,
        item_count=items,
        duplicates=items // 5,
        created_at=now - timedelta(hours=1),
        started_at=now - timedelta(hours=1),
    )
    states = ["succeeded"] * 4 + ["failed"] * 3 + ["succeeded", "pending", "pending"]
    rows = [
        Item(
            job=job,
            position=position,
            row_key=str(position),
            variables={"text": f"Question {position}: where is my money? " * 20},
            status="claimed" if position % (items // 5) == 9 else state,
            same_as=position - 1 if position % 10 in (8, 0) else None,
            error_kind=REASONS[position // 10 % len(REASONS)] if state == "failed" else "",
            ended_at=now if state != "pending" else None,
        )
        for position in range(1, items + 1)
        for state in [states[(position - 1) % 10]]
    ]
    Item.objects.bulk_create(rows, batch_size=1000)
    recount(job)
    return job


if __name__ == "__main__":
    sys.exit(main())

"""How quick the page of spend is over 180 days of a long log, beside the same page over a short one.

python -m tests.benchmarks.spend --calls 1000000 --database sqlite postgres
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from tests.benchmarks.databases import database
from tests.benchmarks.processors import cpu_of
from tests.hammers import ROOT

PROMPTS, VERSIONS, MODELS, CONNECTIONS, USERS, JOBS = 12, 24, 6, 3, 40, 1000
DAYS = 180
BY = ("prompt", "model", "connection", "user", "group", "job")
ROUNDS = 15


def main() -> int:
    """Run it, each database and length of the log in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.calls)
        return 0
    for kind in options.database:
        for calls in (1000, options.calls):
            with database(kind) as url:
                environ = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
                command = [sys.executable, "-m", "tests.benchmarks.spend", "--measure", "--calls", str(calls)]
                subprocess.run(command, cwd=ROOT, env=environ, check=True)
    return 0


def measure(calls: int) -> None:
    import django

    django.setup()
    from django.db import connection

    from aiops.calls.rebuild import rebuild
    from aiops.calls.spend import Spend

    fill(calls)
    started = time.perf_counter()
    rebuild()
    seconds = time.perf_counter() - started
    assert sum(Spend.objects.filter(by="all").values_list("calls", flat=True)) == calls
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    say(f"{connection.vendor}, {calls:,} calls: {Spend.objects.count():,} rows of spend, rebuilt in {seconds:.0f} s")
    started = time.perf_counter()
    assert rebuild(check=True).wrong == []
    say(f"  checked in {time.perf_counter() - started:.0f} s")
    page("the index of the admin", "/admin/")
    for by in BY:
        page(f"by {by}", f"/admin/aiops/spend/?days={DAYS}&by={by}")
    behind()


def page(name: str, address: str) -> None:
    """Time of the page, from the request to the whole response, and what of it is work, the database's included.

    Days that are over are added up once, until one of them changes; what it takes with that is told as well.
    """
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from aiops.dashboard.reading import of_days_over

    client = Client()
    client.force_login(User.objects.get(is_superuser=True))

    def get() -> tuple[float, float]:
        started, used = time.perf_counter(), cpu_of("default")
        assert client.get(address).status_code == 200
        return (time.perf_counter() - started) * 1000, (cpu_of("default") - used) * 1000

    anew = []
    for _ in range(ROUNDS):
        of_days_over.cache_clear()
        anew.append(get()[1])
    times, cpu = zip(*[get() for _ in range(ROUNDS)], strict=True)
    answer = client.get(address)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    assert not [query for query in queries if 'FROM "aiops_call"' in query["sql"]]
    say(
        f"  {name:<24} {statistics.median(times):6.1f} ms (least {min(times):.1f}), "
        f"of it CPU {statistics.median(cpu):.1f} ms (least {min(cpu):.1f}; anew {statistics.median(anew):.1f}), "
        f"{len(queries)} queries, {len(answer.content) / 1024:.0f} KB"
    )


def behind() -> None:
    """Server time of the lists that numbers of the page lead to, over all those days."""
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from prompts.models import Prompt

    client = Client()
    client.force_login(User.objects.get(is_superuser=True))
    today = timezone.localdate()
    user, prompt = User.objects.filter(is_superuser=False).first(), Prompt.objects.first()
    for asked in (
        "",
        f"&user={user.pk}",
        f"&prompt={prompt.pk}",
        "&model=model-1-2026-09-01",
        "&model=rare",
        f"&user={user.pk}&status=failed",
        "&group=1",
        "&cost=unknown",
        "&cost=saved",
        "&job_id=7",
    ):
        address = f"/admin/aiops/call/?days={today - timedelta(days=DAYS - 1)}..{today}{asked}"
        times = []
        for _ in range(5):
            started = time.perf_counter()
            assert client.get(address).status_code == 200
            times.append((time.perf_counter() - started) * 1000)
        say(f"  calls {asked or 'of all days':<30} {statistics.median(times):6.1f} ms (least {min(times):.1f})")


def fill(calls: int) -> None:
    """A log without texts, by the database itself."""
    from django.contrib.auth.models import Group, User
    from django.db import connection, transaction
    from django.utils import timezone

    from prompts.models import Prompt

    User.objects.create_superuser("boss")
    users = User.objects.bulk_create(User(username=f"user-{number}") for number in range(USERS))
    for number in range(5):
        Group.objects.create(name=f"group {number}").user_set.set(users[number::5])
    versions = []
    for number in range(PROMPTS):
        prompt = Prompt.objects.create(name=f"prompt-{number}", title=f"Prompt {number}")
        for wording in range(VERSIONS // PROMPTS):
            versions.append(prompt.add_version(messages=[{"role": "user", "content": f"{{{{ text }}}} {wording}"}]))
    span = (DAYS - 1) * 86_400_000
    at = f"({int(timezone.now().timestamp() * 1000) - span} + n * {span // calls})"
    if connection.vendor == "sqlite":
        key = f"printf('%012x7%03x8%015x', {at}, n % 4096, n)"
        moment = f"strftime('%Y-%m-%d %H:%M:%f', {at} / 1000.0, 'unixepoch')"
        numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {calls - 1})"
    else:
        parts = (
            f"lpad(to_hex({at}), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0')"
        )
        key = f"({parts})::uuid"
        moment = f"to_timestamp({at} / 1000.0)"
        numbers = f"WITH numbers(n) AS (SELECT generate_series(0, {calls - 1})::bigint)"
    given = {
        "id": key,
        "status": "CASE WHEN n % 97 = 0 THEN 'failed' ELSE 'succeeded' END",
        "connection": f"'connection-' || (n % {CONNECTIONS})",
        "model_asked": f"'model-' || ((n / 7) % {MODELS})",
        "model_answered": f"'model-' || ((n / 7) % {MODELS}) || '-2026-09-01'",
        "prompt_version_id": f"{versions[0].pk} + (n / 3) % {VERSIONS}",
        "user_id": f"{users[0].pk} + (n / 11) % {USERS}",
        "job_id": f"1 + n * {JOBS} / {calls}",
        "cost": "CASE WHEN n % 4999 = 0 THEN NULL ELSE 20000 + (n * 31) % 977 * 1000 END",
        "total_ms": "200 + (n * 7919) % 5000",
        **dict.fromkeys(("input_tokens", "output_tokens"), "200 + n % 1000"),
        **dict.fromkeys(("started_at", "ended_at"), moment),
    }
    columns = {**empty(), **given}
    insert = f"INSERT INTO aiops_call ({', '.join(columns)})"
    rows = f"SELECT {', '.join(columns.values())} FROM numbers"
    with transaction.atomic(), connection.cursor() as cursor:
        parts = (numbers, insert, rows) if connection.vendor == "sqlite" else (insert, numbers, rows)
        cursor.execute(" ".join(parts))


def empty() -> dict[str, str]:
    """Every column of a call that must hold something → nothing, as SQL writes it."""
    from django.db import models

    from aiops.calls.models import Call

    found = {}
    for field in Call._meta.concrete_fields:
        if not field.null:
            value = field.get_default()
            is_json = isinstance(field, models.JSONField)
            found[str(field.column)] = str(value) if isinstance(value, int) else f"'{value if is_json else ''}'"
    return found


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

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
    for by in BY:
        page(by)


def page(by: str) -> None:
    """Server time of the page: from the request to the whole response, in this process."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(User.objects.get(is_superuser=True))
    address = f"/admin/aiops/spend/?days={DAYS}&by={by}"
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = client.get(address)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    assert not [query for query in queries if 'FROM "aiops_call"' in query["sql"]]
    asked = sum(float(query["time"]) for query in queries) * 1000
    say(
        f"  by {by:<10} {statistics.median(times):6.1f} ms (least {min(times):.1f}), "
        f"{len(queries)} queries {asked:.0f} ms, {len(answer.content) / 1024:.0f} KB"
    )


def fill(calls: int) -> None:
    """A log without texts, by the database itself."""
    from django.contrib.auth.models import Group, User
    from django.db import connection, transaction
    from django.utils import timezone

    from aiops.calls.models import Call
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
    firsts = {"user": users[0].pk, "version": versions[0].pk}
    end = int(timezone.now().timestamp() * 1000)
    span = (DAYS - 1) * 86_400_000
    at = f"({end - span} + n * {span // calls})"
    if connection.vendor == "sqlite":
        key = f"printf('%012x7%03x8%015x', {at}, n % 4096, n)"
        moment = f"strftime('%Y-%m-%d %H:%M:%f', {at} / 1000.0, 'unixepoch')"
        numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {calls - 1})"
    else:
        key = f"(lpad(to_hex({at}), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid"
        moment = f"to_timestamp({at} / 1000.0)"
        numbers = f"WITH numbers(n) AS (SELECT generate_series(0, {calls - 1})::bigint)"
    given = {
        "id": key,
        "status": "CASE WHEN n % 97 = 0 THEN 'failed' ELSE 'succeeded' END",
        "connection": f"'connection-' || (n % {CONNECTIONS})",
        "model_asked": f"'model-' || ((n / 7) % {MODELS})",
        "model_answered": f"'model-' || ((n / 7) % {MODELS}) || '-2026-09-01'",
        "prompt_version_id": f"{firsts['version']} + (n / 3) % {VERSIONS}",
        "user_id": f"{firsts['user']} + (n / 11) % {USERS}",
        "job_id": f"1 + n * {JOBS} / {calls}",
        "cost": "CASE WHEN n % 499 = 0 THEN NULL ELSE 20000 + (n * 31) % 977 * 1000 END",
        "total_ms": "200 + (n * 7919) % 5000",
        **dict.fromkeys(("input_tokens", "output_tokens"), "200 + n % 1000"),
        "started_at": moment,
        "ended_at": moment,
    }
    columns = []
    for field in Call._meta.concrete_fields:
        if field.attname in given:
            columns.append((field.column, given[field.attname]))
        elif not field.null:
            value = field.get_db_prep_save(field.get_default(), connection)
            text = getattr(value, "obj", value)
            columns.append((field.column, str(text) if isinstance(text, int) else f"'{text or ''}'"))
    for number, (name, value) in enumerate(columns):
        if value in ("'{}'", "'[]'") or name in ("messages", "attempts", "usage", "parameters", "redacted"):
            columns[number] = (name, "'[]'" if name in ("messages", "attempts") else "'{}'")
    names = ", ".join(f'"{name}"' for name, _ in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO aiops_call ({names}) {numbers} SELECT {', '.join(value for _, value in columns)} FROM numbers"
            if connection.vendor == "postgresql"
            else f"{numbers} INSERT INTO aiops_call ({names}) SELECT {', '.join(value for _, value in columns)} FROM numbers"
        )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""The usual way, for comparison: one queued task a row, which asks and saves.

Nothing is recorded beforehand, nothing is held, limited or tried again; as much is in flight as there are workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks.worker import BODY, SYSTEM, TICKET, Run
from tests.hammers import ROOT

WORKERS = 8


def ask(ticket_id: int, url: str) -> None:
    """What the queue calls for one row."""
    import json

    from openai import OpenAI

    from project.helpdesk.models import Ticket

    ticket = Ticket.objects.get(pk=ticket_id)
    answer = OpenAI(api_key="stand-in", base_url=url).chat.completions.create(
        model="gpt-6-luna",
        messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": ticket.text}],
        max_completion_tokens=400,
        response_format={"type": "json_schema", "json_schema": {"name": "triage", "schema": BODY, "strict": True}},
    )
    ticket.category = json.loads(answer.choices[0].message.content or "")["category"]
    ticket.save()


def naive(url: str, rows: int) -> Run:
    """So many rows with a cluster of eight workers, from when it has begun.

    CPU is not measured: it is that of many processes.
    """
    from django_q.tasks import async_task

    from project.helpdesk.models import Ticket

    Ticket.objects.all().delete()
    tickets = Ticket.objects.bulk_create(Ticket(text=f"Ticket {number}: {TICKET}") for number in range(rows))
    for ticket in tickets:
        async_task("tests.benchmarks.naive.ask", ticket.pk, url, save=False)
    environ = os.environ | {"QUEUE_WORKERS": str(WORKERS)}
    answered = Ticket.objects.exclude(category="")
    with subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as cluster:
        try:
            while not answered.exists():
                time.sleep(0.05)
            started, done_before = time.perf_counter(), answered.count()
            while answered.count() < rows:
                time.sleep(0.05)
            return Run(rows - done_before, time.perf_counter() - started, 0.0)
        finally:
            cluster.terminate()

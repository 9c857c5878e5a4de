"""Commands as they are typed: through their own front door, with their exit code and all that they print."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
from django.core.management import load_command_class
from django.db import connection

from aiops.jobs.models import Job
from aiops.jobs.tasks import work
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from prompts.models import OutputSchema, Prompt

DOLLAR = 1_000_000_000


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys):
    """Run a command in this process, by what the command line itself calls."""

    def run(name: str, *args: object) -> Ran:
        capsys.readouterr()
        code = 0
        try:
            load_command_class("aiops", name).run_from_argv(["manage.py", name, *map(str, args)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def budget(transactional_db):
    """A wall that is far away: what is asked for in these tests must have a known price."""
    return Budget.objects.update_or_create(name="Everything", defaults={"cap": 20 * DOLLAR})[0]


SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"type": "string", "enum": ["card", "cash", "payment", "transfer", "top_up", "account"]},
        "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
        "language": {"type": "string", "enum": ["en", "de", "fr", "other"]},
        "confidence": {"type": "number", "enum": [0.1, 0.5, 0.9]},
        "reason": {"type": "string"},
    },
    "required": ["category", "priority", "language", "confidence", "reason"],
    "additionalProperties": False,
}


@pytest.fixture
def triage(budget):
    """A version with a schema, in production. Not the one that the shop comes with, whose wording may change."""
    schema = OutputSchema.objects.create(name="ticket-triage", title="Ticket triage")
    prompt = Prompt.objects.create(name="triage-ticket", title="Triage a ticket")
    version = prompt.add_version(
        messages=[
            {"role": "system", "content": "You sort questions that customers send to the help desk of a bank."},
            {"role": "user", "content": "Customer's question:\n{{ text }}"},
        ],
        parameters={"temperature": 0},
        output_limit=160,
        schema=schema.add_version(SCHEMA),
    )
    version.publish()
    return version


@pytest.fixture
def greeting(budget):
    """A prompt without a schema."""
    prompt = Prompt.objects.create(name="greet", title="Greet")
    version = prompt.add_version(
        messages=[
            {"role": "system", "content": "You greet people{% if mood is defined %}, {{ mood }}{% endif %}."},
            {"role": "user", "content": "I am {{ name }}."},
        ],
        output_limit=50,
    )
    version.publish()
    return version


@pytest.fixture
def tickets(transactional_db):
    """Twenty tickets, two of which say the same."""
    texts = [f"Where is card number {number}?" for number in range(1, 20)]
    return Ticket.objects.bulk_create(Ticket(subject=text, text=text) for text in [*texts, texts[0]])


@pytest.fixture
def worker(transactional_db):
    """A worker in a thread, for commands that wait for one: works at every job that runs, until the test is over."""
    over = threading.Event()

    def keep_working():
        while not over.wait(0.05):
            for job in Job.objects.running():
                work(job.pk)
        connection.close()

    thread = threading.Thread(target=keep_working)
    thread.start()
    yield thread
    over.set()
    thread.join()

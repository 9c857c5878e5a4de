"""Things of the shop that tests are about: tickets, a version that sorts them, the budget around it all."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest

from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from prompts.models import OutputSchema, Prompt

FIXTURES = Path(__file__).parent.parent / "fixtures"
TRIAGE = {
    "type": "object",
    "properties": {
        "category": {"type": "string", "enum": ["card", "cash", "payment", "transfer", "top_up", "account"]},
        "priority": {"type": "string", "enum": ["low", "normal", "high", "urgent"]},
    },
    "required": ["category", "priority"],
    "additionalProperties": False,
}


@pytest.fixture
def triage(db):
    """The version that is in production of a prompt that sorts tickets by their text."""
    schema = OutputSchema.objects.create(name="triage", title="Triage").add_version(TRIAGE)
    prompt = Prompt.objects.create(name="triage", title="Sort a ticket")
    messages = [
        {"role": "system", "content": "You sort tickets of a bank."},
        {"role": "user", "content": "{{ text }}"},
    ]
    version = prompt.add_version(messages=messages, output_limit=100, schema=schema)
    version.publish()
    return version


@pytest.fixture
def tickets(db):
    """Twenty real tickets."""
    with (FIXTURES / "tickets.csv").open(encoding="utf-8", newline="") as file:
        rows = [Ticket(**row) for row in islice(csv.DictReader(file), 20)]
    return Ticket.objects.bulk_create(rows)


@pytest.fixture
def budget(db):
    """The budget over everything that comes with the migrations: 20 dollars a month."""
    made, _ = Budget.objects.get_or_create(name="Everything", defaults={"cap": 20_000_000_000})
    return made

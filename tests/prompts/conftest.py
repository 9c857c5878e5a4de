"""Nouns of the prompts' tests."""

from __future__ import annotations

import pytest

from prompts.models import OutputSchema, Prompt


@pytest.fixture
def messages():
    return [
        {"role": "system", "content": "You sort tickets of a bank."},
        {"role": "user", "content": "{{ text }}"},
    ]


@pytest.fixture
def body():
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string"},
            "category": {"type": "string", "enum": ["refund", "card", "transfer"]},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        },
        "required": ["reason", "category", "confidence"],
        "additionalProperties": False,
    }


@pytest.fixture
def triage(db):
    return Prompt.objects.create(name="triage-ticket", title="Triage a ticket")


@pytest.fixture
def version(triage, messages):
    return triage.add_version(messages=messages)


@pytest.fixture
def schema(db):
    return OutputSchema.objects.create(name="ticket-triage", title="Triage of a ticket")


@pytest.fixture
def schema_version(schema, body):
    return schema.add_version(body)

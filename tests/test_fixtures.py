"""What is shipped to start from: it fits together, and the data is what the prompts read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from prompts.rendering.render import render_messages
from prompts.schemas import problems_of_schema

FIXTURES = Path(__file__).parent.parent / "fixtures"
EXAMPLES = {
    "triage-ticket": "tickets.csv",
    "triage-ticket-small": "tickets.csv",
    "company-profile": "companies.csv",
    "product-description": "products.csv",
    "contact-extraction": "contact_pages.json",
    "submission-grading": "submissions.csv",
}


def loaded(folder):
    return {path.stem: json.loads(path.read_text()) for path in sorted((FIXTURES / folder).glob("*.json"))}


def rows(name):
    path = FIXTURES / name
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_prompt_has_rows_to_try_it_on():
    assert set(loaded("prompts")) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_prompt_reads_every_one_of_its_rows_whole(name):
    prompt = loaded("prompts")[name]
    for row in rows(EXAMPLES[name]):
        asked = render_messages(prompt["messages"], row).messages[-1]["content"]
        # The known answer is for the comparison afterwards.
        known = row.pop("intent", None)
        assert max(row.values(), key=len) in asked
        assert known is None or known not in asked


@pytest.mark.parametrize("name", loaded("schemas"))
def test_schemas_hold_in_strict_mode_and_are_used(name):
    assert problems_of_schema(loaded("schemas")[name]["body"]) == []
    assert name in {prompt["schema"] for prompt in loaded("prompts").values()}


def test_tickets_differ_and_every_category_of_the_data_set_has_its_topic():
    tickets, topics = rows("tickets.csv"), json.loads((FIXTURES / "topics.json").read_text())
    assert len(tickets) == len({ticket["text"] for ticket in tickets}) == 500
    assert len(topics) == 77 and {ticket["intent"] for ticket in tickets} == set(topics)
    for schema in ("ticket-triage", "ticket-triage-small"):
        answers = loaded("schemas")[schema]["body"]["properties"]["category"]["enum"]
        assert set(answers) == set(topics.values())
    # The first 200, which the demo asks about, are a fair sample of all.
    shares = [Counter(topics[ticket["intent"]] for ticket in some) for some in (tickets[:200], tickets)]
    assert all(abs(shares[0][topic] / 200 - shares[1][topic] / 500) < 0.05 for topic in set(topics.values()))


def test_every_file_of_data_is_named_with_its_licence():
    told = (FIXTURES / "README.md").read_text()
    assert [path.name for path in FIXTURES.iterdir() if path.is_file() and f"`{path.name}`" not in told] == [
        "README.md"
    ]

"""Recipes asked of a real server with a real model: what it says may be nonsense, what is made of it may not.

Where `local_model fetch` has fetched one, or `LOCAL_MODEL_FILE` names one, that is asked; else a file of a few
kilobytes that is made here, which talks, but cannot be trusted to end a sentence of JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.management import call_command

from aiops import OpenAIClientError
from aiops.calls.models import Call
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.local_model import process
from tests.cookbook.pages import recipe
from tests.gateway.tiny_model import write_tiny_model

# A wheel that is there but was made for another processor ends the interpreter itself: ask in another one.
RUNS_HERE = subprocess.run([sys.executable, "-c", "import xllamacpp"], capture_output=True, check=False).returncode == 0
FETCHED = sorted((Path(__file__).parents[2] / "var/models").glob("*.gguf"))
NAMED = os.environ.get("LOCAL_MODEL_FILE")
REAL = Path(NAMED) if NAMED else next(iter(FETCHED), None)
writes_json = pytest.mark.skipif(REAL is None, reason="no model: manage.py local_model fetch")
pytestmark = [
    pytest.mark.skipif(not RUNS_HERE, reason='xllamacpp does not run here: pip install "django-aiops[local]"'),
    pytest.mark.django_db,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models")
    file = REAL or write_tiny_model(directory / "Tiny-1K.gguf")
    yield process.start(process.command_line(file, "tiny", directory, port=0), directory)
    close_sync_clients()
    process.stop(directory)


@pytest.fixture(autouse=True)
def local(server, settings, budget):
    """Every recipe is answered by the model on this machine."""
    connection = {
        "BASE_URL": server.base_url,
        "API_KEY": None,
        "MODEL": "tiny",
        "FREE": True,
        "OUTPUT_LIMIT_PARAMETER": "max_tokens",
    }
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": connection}}


def usable(call, *arguments):
    """What came, or None where it is an error that the log has: a small model often comes to no end."""
    with suppress(OpenAIClientError):
        return call(*arguments)
    row = Call.objects.order_by("-pk")[0]
    assert row.status == "failed"
    assert row.error_kind in ("schema", "cut_off")
    return None


def test_chatbot(site):
    client = site(chat=recipe("chatbot").chat)
    for _turn in range(2):
        response = client.post("/chat/", {"message": "I lost my card. Answer with one word."})
        row = Call.objects.order_by("-pk")[0]
        assert response.status_code == (200 if row.status == "succeeded" else 503)
        assert row.output
        assert (row.model_answered, row.cost) == ("tiny", 0)


def test_conversation_with_summary():
    module = recipe("conversation-with-summary")
    module.MOST, module.KEPT = 2, 2
    conversation = {"summary": "", "messages": []}
    for number in range(2):
        usable(module.answer, conversation, f"My name is Ann, {number}. Say yes.")
    assert len(conversation["messages"]) <= 4


@writes_json
def test_contact_extraction():
    text = "Ann Miller, Miller Ltd, ann@miller.example"
    contact = usable(recipe("contact-extraction").contact_in, text)
    assert contact is None or all(value is None or value in text for value in contact.model_dump().values())


@writes_json
def test_classification_with_confidence(ticket):
    found = recipe("classification-with-confidence").sort_ticket(ticket)
    assert found.by == "logprobs"
    assert 0 < found.confidence <= 1
    assert found.confidence == found.probabilities[found.choice]
    ticket.refresh_from_db()
    assert ticket.category == (found.choice if found.confidence >= 0.85 else "")


def test_cached(site):
    client = site(explain=recipe("cached").explain)
    with suppress(OpenAIClientError):
        assert len({client.post("/explain/", {"word": "chargeback"}).json()["text"] for _ in range(2)}) == 1
    first, *others = Call.objects.order_by("pk")
    # An answer that came to no end is an error, and none is kept.
    assert first.error_kind == "cut_off" or [other.reused_from for other in others] == [first.pk]


def test_cost_tracked(ticket):
    out = StringIO()
    call_command(recipe("cost-tracked").Command(), stdout=out, stderr=StringIO())
    assert out.getvalue() in ("1 done, 0 failed, $0.000000 spent.\n", "0 done, 1 failed, $0.000000 spent.\n")


def test_server_sent_events():
    module = recipe("server-sent-events")

    async def all_of_it():
        return [event async for event in module.events("Say hello.", None)]

    events = async_to_sync(all_of_it)()
    assert {event.split("\n")[0] for event in events[:-1]} == {"event: text"}
    assert events[-1].startswith(("event: end", "event: error"))
    assert len(events) > 2
    assert Call.objects.get().first_byte_ms is not None


def test_progress_stream():
    module = recipe("progress-stream")
    module.MOST_WORDS = 20
    text = usable(module.write_report, "local-report", "cards")
    kept = cache.get("local-report")
    assert kept["status"] == ("failed" if text is None else "done")


@writes_json
def test_exam_grading():
    module = recipe("exam-grading")
    found = usable(module.grade, "Why is the sky blue?", "Because the air scatters blue light most.")
    assert found is None or 0 <= found["sum"] == sum(found["points"].values()) <= 10


@writes_json
def test_concurrent_gradings():
    module = recipe("concurrent-gradings")
    results = async_to_sync(module.grade_all)([f"The sky is blue, {number}." for number in range(8)])
    assert all(isinstance(result, (module.Grading, OpenAIClientError)) for result in results)
    assert Call.objects.exclude(status__in=["succeeded", "failed"]).count() == 0
    assert Call.objects.count() == 8

"""What tells a provider that requests begin alike."""

from __future__ import annotations

import pytest
from django.utils import timezone

from aiops.cache.key import key_of
from aiops.execution.prepare import About, make_plan, prepare
from aiops.gateway.connections import connection_from
from aiops.gateway.dialects import chat, responses
from aiops.gateway.request import Request

OPENAI = {"BASE_URL": "https://api.openai.com/v1", "API_KEY": "a-key"}
AZURE = {"AZURE_ENDPOINT": "https://shop.openai.azure.com", "API_KEY": "a-key"}
OTHER = {"BASE_URL": "https://models.example.com/v1", "API_KEY": "a-key"}


def request(**fields):
    messages = [{"role": "user", "content": "Hello."}]
    key = {"prompt_cache_key": "aiops-version-7", **fields}
    return Request(connection="one", model="gpt-6-luna", messages=messages, output_limit=10, **key)


@pytest.mark.parametrize("dialect", [chat, responses])
@pytest.mark.parametrize(
    ("options", "sent"),
    [(OPENAI, True), (AZURE, True), ({**AZURE, "API_VERSION": "2024-10-21"}, False), (OTHER, False)],
    ids=["OpenAI", "Azure", "Azure's dated interface", "any other"],
)
def test_only_who_knows_it_is_told(dialect, options, sent):
    body = dialect.sending_of(request(), connection_from("one", options)).body
    assert ("prompt_cache_key" in body) is sent
    assert body.get("prompt_cache_key") in {"aiops-version-7", None}


@pytest.mark.parametrize("dialect", [chat, responses])
def test_a_parameter_of_the_version_wins(dialect):
    body = dialect.sending_of(request(parameters={"prompt_cache_key": "own"}), connection_from("one", OPENAI)).body
    assert body["prompt_cache_key"] == "own"


def test_no_answer_depends_on_it():
    one, other = request(), request(prompt_cache_key="aiops-version-8")
    assert key_of(one, connection_from("one", OPENAI)) == key_of(other, connection_from("one", OPENAI))


def test_rows_of_one_version_have_it_in_common(triage):
    plan = make_plan(triage, now=timezone.now())
    first, second = (prepare(plan, {"text": text}, About()).request for text in ("one", "two"))
    assert first.prompt_cache_key == second.prompt_cache_key == f"aiops-version-{triage.pk}"

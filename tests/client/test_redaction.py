"""What may not leave does not leave, is not logged, and is there again in the answer."""

import json

import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel

from aiops import get_async_openai_client, get_openai_client, get_structured_completion_sync
from aiops.calls.models import Call
from aiops.execution.answer import answer
from aiops.execution.errors import MayNotLeave
from aiops.gateway.testing import Answer
from aiops.ledger.models import BudgetPeriod

ADA = "ada@example.com"
ASK = [{"role": "user", "content": f"{ADA} says that {ADA} and bob@example.com were charged twice."}]


class Contact(BaseModel):
    email: str
    about: str


@pytest.fixture(params=["chat", "responses"], autouse=True)
def careful(request, provider, settings, budget):
    """A site that lets no address leave."""
    connections = settings.AIOPS["CONNECTIONS"]
    default = {**connections["default"], "API": request.param}
    settings.AIOPS = {
        **settings.AIOPS,
        "CONNECTIONS": {**connections, "default": default},
        "REDACT": ["aiops.redaction.detectors.emails"],
    }


def nowhere(provider, *values):
    """Nothing of it was sent, and nothing of it is in the log."""
    sent = json.dumps([request.body for request in provider.requests])
    kept = json.dumps(list(Call.objects.values()), default=str)
    return not any(value in text for value in values for text in (sent, kept))


def test_a_text_comes_back_with_what_was_taken_out(provider):
    provider.reply_with("[EMAIL_1] and EMAIL_2 were charged.")
    made = get_openai_client().chat_completion(ASK)
    assert made.choices[0].message.content == "ada@example.com and bob@example.com were charged."
    assert provider.requests[0].text == "[EMAIL_1] says that [EMAIL_1] and [EMAIL_2] were charged twice."
    row = Call.objects.get()
    assert row.redacted == {"email": 2}
    assert row.output == "[EMAIL_1] and EMAIL_2 were charged."
    assert nowhere(provider, "example.com")


def test_data_is_checked_and_given_whole_and_logged_without(provider):
    provider.reply_with({"email": "[EMAIL_1]", "about": "charged twice"})
    found = get_structured_completion_sync(ASK, "", Contact)
    assert found == Contact(email=ADA, about="charged twice")
    assert Call.objects.get().data == {"email": "[EMAIL_1]", "about": "charged twice"}
    assert nowhere(provider, "example.com")


def test_what_breaks_a_schema_is_told_without_what_was_taken_out(provider):
    schema = {
        "type": "object",
        "properties": {"email": {"type": "string", "maxLength": 12}},
        "required": ["email"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    provider.reply_with({"email": "[EMAIL_1]"})
    with pytest.raises(Exception, match="it does not fit once what was taken out is put back"):
        get_openai_client().chat_completion_json(ASK, response_format=wanted)
    assert nowhere(provider, "example.com")


def test_arguments_of_tools_come_back_whole(provider):
    provider.reply_with(Answer(tool_calls=[("refund", {"to": "[EMAIL_2]"})]))
    tools = [{"type": "function", "function": {"name": "refund", "parameters": {"type": "object", "properties": {}}}}]
    call = get_openai_client().chat_completion(ASK, tools=tools).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"to": "bob@example.com"}
    assert nowhere(provider, "example.com")


@pytest.mark.parametrize("awaited", [False, True])
def test_a_stream_never_shows_half_a_token(provider, awaited):
    provider.reply_with("Dear [EMAIL_1], we refund [EMAIL_2] and [EMA")
    if awaited:

        async def all_of_it():
            return [piece async for piece in get_async_openai_client().stream(ASK)]

        *pieces, end = async_to_sync(all_of_it)()
    else:
        *pieces, end = get_openai_client().stream(ASK)
    text = "Dear ada@example.com, we refund bob@example.com and [EMA"
    assert "".join(pieces) == end.text == text
    assert not any("EMAIL" in piece for piece in pieces)
    assert nowhere(provider, "example.com")


def test_vectors_are_made_of_what_may_leave(provider):
    get_openai_client().embed([f"Write to {ADA}", "Nothing in here"])
    assert provider.requests[0].body["input"] == ["Write to [EMAIL_1]", "Nothing in here"]
    assert nowhere(provider, "example.com")


def test_where_nothing_can_be_taken_out_nothing_is_sent(provider):
    with pytest.raises(MayNotLeave, match="email"):
        get_openai_client().speak(f"Write to {ADA}.")
    with pytest.raises(MayNotLeave, match="email"):
        get_openai_client().sdk.chat.completions.create(model="gpt-6-luna", messages=ASK)
    assert provider.requests == []
    assert not Call.objects.exists()


def test_prompts_of_versions_are_no_exception(provider, triage):
    provider.reply_with({"category": "payment", "priority": "high"})
    outcome = answer(triage, {"text": f"Charged twice, {ADA}"})
    assert outcome.data == {"category": "payment", "priority": "high"}
    assert nowhere(provider, "example.com")
    assert Call.objects.get().redacted == {"email": 1}


def test_the_hold_is_made_of_what_leaves(provider):
    provider.reply_with("Fine.")
    get_openai_client().chat_completion(ASK, max_tokens=10)
    period = BudgetPeriod.objects.get()
    assert (period.held, period.frozen) == (0, False)

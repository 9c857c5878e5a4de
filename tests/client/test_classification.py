"""Which of the choices a text is, and how sure the model is: by whatever the connection has."""

import json
import math

import pytest
from django.db import models

from aiops import OpenAIIncompleteError, OpenAISchemaValidationError, OpenAITransportError
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, EmptyChoices, Raw, Refusal
from aiops.ledger.models import BudgetPeriod

CHOICES = {"card": "lost or stolen", "refund": "", "other": "anything else"}
TEXT = "They charged me twice."


class Category(models.TextChoices):
    CARD = "card", "A card is lost"
    REFUND = "refund", "Money back"


def test_decisions_give_real_probabilities(api, connect, call, provider):
    connect(SUPPORTS_DECISIONS=True, MODEL="gpt-4o-mini")
    provider.reply_with(Answer(data=[{"card": 0.2, "refund": 0.7, "other": 0.1}]))
    found = call("classify", TEXT, CHOICES, instructions="What is it about?")
    assert (found.choice, found.confidence, found.by) == ("refund", 0.7, "decisions")
    assert found.probabilities == {"card": 0.2, "refund": 0.7, "other": 0.1}
    asked = provider.requests[0].body
    # The model of decisions, not that of chats.
    assert (asked["model"], asked["input"]) == ("gpt-6-luna", TEXT)
    assert asked["questions"] == [
        {
            "type": "choice",
            "instructions": "What is it about?",
            "choices": [
                {"value": "card", "description": "lost or stolen"},
                {"value": "refund"},
                {"value": "other", "description": "anything else"},
            ],
        }
    ]
    row = Call.objects.get()
    assert (row.operation, row.status, row.tokens_out) == ("decision", "succeeded", 0)
    # What comes out is free.
    assert row.cost == BudgetPeriod.objects.get().settled == row.tokens_in * 100


def test_drawn_decisions_add_up(connect, call, provider, budget):
    connect(SUPPORTS_DECISIONS=True)
    names = [f"choice {number}" for number in range(255)]
    found = call("classify", TEXT, names)
    assert set(found.probabilities) == set(names)
    # Each is rounded by the provider.
    assert math.isclose(sum(found.probabilities.values()), 1, abs_tol=255 * 0.00005)
    assert found.confidence == found.probabilities[found.choice] == max(found.probabilities.values())


def test_a_decision_that_is_declined_is_an_error(connect, call, provider, budget):
    connect(SUPPORTS_DECISIONS=True)
    provider.reply_with(Refusal())
    with pytest.raises(OpenAIIncompleteError) as caught:
        call("classify", TEXT, CHOICES)
    assert caught.value.kind == Call.objects.get().error_kind == "refused"
    assert Call.objects.get().cost > 0


def decision(answer, count=1):
    return Raw(json.dumps({"answers": [answer] * count, "usage": {"input_tokens": 5, "output_tokens": 1}}).encode())


@pytest.mark.parametrize(
    ("answer", "confidence", "probabilities"),
    [
        ({"choice": "card"}, None, {}),
        ({"choice": "card", "confidence": 0.5}, 0.5, {}),
        ({"choice": "card", "confidence": float("nan")}, None, {}),
        ({"choice": "card", "confidence": True, "probabilities": "many"}, None, {}),
        (
            {
                "choice": "card",
                "confidence": 7,
                "probabilities": [
                    {"value": "card", "probability": 0.75},
                    {"value": "refund", "probability": -1},
                    {"value": "nobody's", "probability": 0.25},
                    "other",
                ],
            },
            0.75,
            {"card": 0.75, "refund": 0.0, "other": 0.0},
        ),
    ],
)
def test_only_probabilities_are_passed_on_as_such(connect, call, provider, budget, answer, confidence, probabilities):
    connect(SUPPORTS_DECISIONS=True)
    provider.reply_with(decision(answer))
    found = call("classify", TEXT, CHOICES)
    assert (found.choice, found.confidence, found.probabilities) == ("card", confidence, probabilities)


@pytest.mark.parametrize("choice", ["nobody's", None, 7, ["card"], {"value": "card"}])
def test_a_decision_for_what_nobody_offered_is_an_error(connect, call, provider, budget, choice):
    connect(SUPPORTS_DECISIONS=True)
    provider.reply_with(decision({"choice": choice}))
    with pytest.raises(OpenAISchemaValidationError, match="which is none of the choices"):
        call("classify", TEXT, CHOICES)


@pytest.mark.parametrize("reply", [EmptyChoices(), Raw(b"{}"), decision({"choice": "card"}, count=2), decision("card")])
def test_what_is_no_decision_is_never_passed_on(connect, call, provider, budget, reply):
    connect(SUPPORTS_DECISIONS=True)
    provider.reply_with(reply)
    with pytest.raises(OpenAITransportError) as caught:
        call("classify", TEXT, CHOICES)
    assert caught.value.kind == Call.objects.get().error_kind == "malformed"


def test_without_decisions_the_token_of_the_answer_tells(api, call, provider):
    provider.reply_with(Answer(probabilities={"A": 0.2, "B": 0.7, "C": 0.08}))
    found = call("classify", TEXT, CHOICES, instructions="What is it about?")
    assert (found.choice, found.by) == ("refund", "logprobs")
    assert math.isclose(sum(found.probabilities.values()), 1)
    assert found.confidence == found.probabilities["refund"] == pytest.approx(0.7 / 0.98)
    assert found.probabilities == pytest.approx({"card": 0.2 / 0.98, "refund": 0.7 / 0.98, "other": 0.08 / 0.98})
    asked = provider.requests[0]
    assert asked.text.splitlines()[0] == "What is it about?"
    assert asked.text.splitlines()[2:5] == ["A: card (lost or stolen)", "B: refund", "C: other (anything else)"]
    assert asked.messages[-1]["content"] in (TEXT, [{"type": "input_text", "text": TEXT}])
    assert asked.schema["properties"]["choice"]["enum"] == ["A", "B", "C"]
    assert Call.objects.get().data == {"choice": "B"}


@pytest.mark.parametrize("model", ["o3", "gpt-5-mini"])
def test_a_model_that_always_thinks_tells_no_probabilities(api, call, provider, model):
    provider.reply_with({"choice": "B"})
    found = call("classify", TEXT, CHOICES, model=model)
    assert (found.choice, found.confidence, found.probabilities, found.by) == ("refund", None, {}, "answer")
    assert "logprobs" not in json.dumps(provider.requests[0].body)


def test_a_server_without_log_probabilities_gives_a_bare_answer(connect, call, provider, budget):
    connect(SUPPORTS_LOGPROBS=False)
    provider.reply_with({"choice": "C"})
    found = call("classify", TEXT, CHOICES)
    assert (found.choice, found.confidence, found.probabilities, found.by) == ("other", None, {}, "answer")


def test_with_many_choices_the_answer_is_the_name_itself(api, call, provider):
    names = [f"choice {number}" for number in range(21)]
    provider.reply_with({"choice": "choice 20"})
    found = call("classify", TEXT, dict.fromkeys(names, "what is meant"))
    assert (found.choice, found.confidence, found.by) == ("choice 20", None, "answer")
    assert provider.requests[0].schema["properties"]["choice"]["enum"] == names
    assert "choice 7 (what is meant)" in provider.requests[0].text.splitlines()
    assert "logprobs" not in json.dumps(provider.requests[0].body)


@pytest.mark.parametrize("reply", [{"choice": "D"}, {"choice": "card"}, {"choice": None}, {"choice": ["A"]}, "A", {}])
def test_an_answer_that_is_no_choice_is_an_error(api, call, provider, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAISchemaValidationError) as caught:
        call("classify", TEXT, CHOICES)
    assert caught.value.schema_name == "classification"
    assert Call.objects.get().error_kind == "schema"


def test_a_model_that_declines_is_an_error(api, call, provider):
    provider.reply_with(Refusal("No."))
    with pytest.raises(OpenAIIncompleteError):
        call("classify", TEXT, CHOICES)


def test_functions_that_nobody_offered_are_no_choice(call, provider, budget):
    provider.reply_with(Answer(tool_calls=[("choose", {"choice": "A"})]))
    with pytest.raises(OpenAISchemaValidationError, match="The model chose 'None'"):
        call("classify", TEXT, CHOICES)


def chat(text, tokens):
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": text}, "logprobs": tokens}
    return Raw(json.dumps({"choices": [choice]}).encode())


def told(*tokens):
    return {"content": [{"token": token, "logprob": -0.1, **more} for token, more in tokens]}


UNLIKELY = {"logprob": -5, "top_logprobs": [{"token": "card", "logprob": -0.1}]}
B = {"top_logprobs": [{"token": " b", "logprob": -1}, {"token": "A", "logprob": math.log(0.25)}]}


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        # However the text is divided, the letter of the choice is the one that counts.
        (told(('{"choice": "', {}), ("B", B), ('"}', {})), math.exp(-0.1)),
        (told(('{"', {}), ('choice":', {}), (' "B', B), ('"} But', {})), math.exp(-0.1)),
        (None, None),
        ([], None),
        ({}, None),
        ({"content": None}, None),
        ({"content": "B"}, None),
        ({"content": [None, {"token": None}, {"logprob": 0}, 7]}, None),
        (told(('{"choice": "B"}', {"logprob": None})), None),
        (told(('{"choice": "', {}), ("B", {"logprob": float("nan"), "top_logprobs": "none"}), ('"}', {})), None),
        (told(('{"choice": "', {}), ("B", {"top_logprobs": [None, "B", {"token": 7}]}), ('"}', {})), 1.0),
        # Of what the model would rather have said, hardly anything was a choice.
        (told(('{"choice": "', {}), ("B", UNLIKELY), ('"}', {})), None),
    ],
)
def test_servers_tell_probabilities_as_they_like(call, provider, budget, tokens, expected):
    provider.reply_with(chat('{"choice": "B"} But B is not sure.', tokens))
    found = call("classify", TEXT, CHOICES)
    assert found.choice == "refund"
    if expected is None:
        assert (found.confidence, found.by) == (None, "answer")
    else:
        share = expected if expected == 1 else expected / (expected + 0.25)
        assert (found.confidence, found.by) == (pytest.approx(share), "logprobs")
        assert sum(found.probabilities.values()) == pytest.approx(1)


def test_choices_may_be_those_of_a_field(call, provider, budget):
    provider.reply_with({"choice": "B"})
    assert call("classify", TEXT, Category.choices).choice == Category.REFUND
    assert "A: card (A card is lost)" in provider.requests[0].text
    provider.reply_with({"choice": "A"})
    assert call("classify", TEXT, Category.values).choice == "card"


@pytest.mark.parametrize("decisions", [True, False])
@pytest.mark.parametrize(
    ("text", "choices", "options", "sentence"),
    [
        ("", CHOICES, {}, "There is nothing to classify: give a text."),
        (" ", CHOICES, {}, "There is nothing to classify"),
        (None, CHOICES, {}, "There is nothing to classify"),
        (TEXT, ["card"], {}, "The number of choices is 1: give 2 to 255."),
        (TEXT, [], {}, "The number of choices is 0"),
        (TEXT, [str(number) for number in range(256)], {}, "The number of choices is 256"),
        (TEXT, ["card", "card"], {}, "A choice is given twice"),
        (TEXT, ["card", ""], {}, "A choice is empty or no text"),
        (TEXT, ["card", 7], {}, "A choice is empty or no text"),
        (TEXT, ["card", "re\0fund"], {}, "A choice holds NUL or half a character"),
        (TEXT, ["card", ["refund"]], {}, "A choice is empty or no text"),
        (TEXT, {1: "x", 2: "y"}, {}, "A choice is empty or no text"),
        (TEXT, "card, refund", {}, "choices are to be names"),
        (TEXT, None, {}, "choices are to be names"),
        (TEXT, CHOICES, {"instructions": None}, "instructions are of type NoneType"),
        (TEXT, CHOICES, {"temperature": 0}, "temperature is not taken here"),
    ],
)
def test_what_makes_no_sense_is_refused(connect, call, provider, budget, decisions, text, choices, options, sentence):
    connect(SUPPORTS_DECISIONS=decisions)
    with pytest.raises(ValueError, match=sentence):
        call("classify", text, choices, **options)
    assert provider.requests == []
    assert not Call.objects.exists()


def test_nobody_else_can_be_asked_for_decisions(connect, call, provider, budget):
    connect(SUPPORTS_DECISIONS=True)
    with pytest.raises(ValueError, match="fallbacks and cache are not taken here"):
        call("classify", TEXT, CHOICES, fallbacks=["local"])

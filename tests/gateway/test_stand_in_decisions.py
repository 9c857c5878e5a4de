"""The stand-in provider decides: predicates, choices and scores with probabilities."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import Answer, Failed, Filtered, Refusal, StandIn, Status

QUESTIONS = [
    {"type": "predicate", "name": "angry", "instructions": "Is the customer angry?"},
    {
        "type": "choice",
        "name": "category",
        "instructions": "What is it about?",
        "choices": [{"value": "card"}, {"value": "refund"}, {"value": True}],
    },
    {
        "type": "score",
        "name": "urgency",
        "instructions": "How urgent is it?",
        "levels": [{"label": "low"}, {"label": "high"}],
    },
]


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


def decide(client, asked="My card never came.", questions=QUESTIONS, **more):
    return client.decisions.create(model="gpt-6-luna", input=asked, questions=questions, **more)


def test_every_question_is_answered_in_its_order(stand_in, client):
    decision = decide(client)
    predicate, choice, score = decision.answers
    assert [answer.name for answer in decision.answers] == ["angry", "category", "urgency"]
    assert 0 <= predicate.probability <= 1
    assert [one.value for one in choice.probabilities] == ["card", "refund", True]
    assert sum(one.probability for one in choice.probabilities) == pytest.approx(1, abs=1e-3)
    assert choice.confidence == max(one.probability for one in choice.probabilities)
    assert choice.choice == max(choice.probabilities, key=lambda one: one.probability).value
    assert [one.label for one in score.probabilities] == ["low", "high"]
    assert score.score == pytest.approx(score.probabilities[1].probability, abs=1e-3)
    usage = decision.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert (stand_in.totals.prompt_tokens, stand_in.totals.completion_tokens) == (
        usage.input_tokens,
        usage.output_tokens,
    )


def test_the_same_text_gets_the_same_answer_and_another_another_one(client):
    assert decide(client).answers == decide(client).answers
    assert decide(client, "A refund, please.").answers != decide(client).answers


def test_answers_can_be_scripted_by_name_in_order_and_as_probabilities(stand_in, client):
    stand_in.reply_with(
        Answer(data={"angry": 0.9, "category": {"card": 0.2, "refund": 0.7}, "urgency": "high"}),
        Answer(data=[0.1, True]),
    )
    angry, category, urgency = decide(client).answers
    assert (angry.probability, category.choice, category.confidence) == (0.9, "refund", 0.7)
    assert [one.probability for one in category.probabilities] == [0.2, 0.7, 0.0]
    assert (urgency.score, urgency.confidence) == (1.0, 1.0)
    angry, category, urgency = decide(client).answers
    assert (angry.probability, category.choice, urgency.type) == (0.1, True, "score")


def test_one_question_can_be_declined_or_all_of_them(stand_in, client):
    stand_in.reply_with(Answer(data={"category": None}), Refusal(), Filtered())
    assert [answer.type for answer in decide(client).answers] == ["predicate", "refusal", "score"]
    for _ in range(2):
        declined = decide(client).answers
        assert {answer.type for answer in declined} == {"refusal"}
        assert [answer.name for answer in declined] == ["angry", "category", "urgency"]
    assert stand_in.totals.answers == 3


def test_rules_see_the_input_and_the_questions(stand_in, client):
    stand_in.when(lambda request: "angry" in request.text and "Ticket 2" in request.text, Status(429))
    decide(client, [{"role": "user", "content": [{"type": "input_text", "text": "Ticket 1"}]}])
    with pytest.raises(openai.RateLimitError):
        decide(client, "Ticket 2")
    assert stand_in.requests[0].operation == "decisions"
    assert stand_in.requests[0].text.startswith("Ticket 1\n\nIs the customer angry?")


def test_a_model_that_gives_up_is_an_error(stand_in, client):
    stand_in.reply_with(Failed())
    with pytest.raises(openai.InternalServerError):
        decide(client)


def test_a_reply_that_chooses_what_is_not_offered_fails_the_test_that_wrote_it():
    provider = StandIn()
    provider.reply_with(Answer(data={"category": "cash"}))
    with pytest.raises(ValueError, match="does not offer"), provider:  # noqa: PT012 - raised when the server stops
        client = OpenAI(base_url=provider.base_url, api_key="k", max_retries=0)
        with client, pytest.raises(openai.InternalServerError, match="reply of the test failed"):
            decide(client)


@pytest.mark.parametrize(
    ("asked", "questions", "sentence"),
    [
        ("", QUESTIONS, "'input'"),
        ("x", [], "between 1 and 400"),
        ("x", QUESTIONS[:1] * 401, "between 1 and 400"),
        ("x", [{"type": "predicate"}], r"'questions\[0\].instructions'"),
        ("x", [QUESTIONS[0], {"type": "essay", "instructions": "x"}], r"'questions\[1\].type'"),
        ("x", [{"type": "choice", "instructions": "x", "choices": [{"value": "a"}]}], "between 2 and 255"),
        ("x", [{"type": "choice", "instructions": "x", "choices": [{"value": "a"}, {"value": "a"}]}], "different"),
        ("x", [{"type": "score", "instructions": "x", "levels": [{"label": "a"}]}], "at least 2"),
        ("x", ["what"], "another type"),
    ],
)
def test_a_bad_request_is_refused_in_words(client, asked, questions, sentence):
    body = {"model": "gpt-6-luna", "input": asked, "questions": questions}
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.post("/decisions", body=body, cast_to=object)


def test_a_choice_of_a_text_is_not_that_of_a_truth(client):
    choices = [{"value": "true"}, {"value": True}]
    question = {"type": "choice", "instructions": "x", "choices": choices}
    [answer] = decide(client, questions=[question]).answers
    assert [one.value for one in answer.probabilities] == ["true", True]


def test_async_clients_get_the_same(stand_in, client):
    async def decided():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as asking:
            return (await decide(asking)).answers

    assert asyncio.run(decided()) == decide(client).answers

"""Whether texts break the provider's rules."""

import json

import pytest

from aiops import Moderation, OpenAITransportError
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, EmptyChoices, Raw
from aiops.ledger.models import BudgetPeriod


def body(*results):
    return Raw(json.dumps({"id": "modr-1", "model": "omni-moderation-latest", "results": results}).encode())


def test_a_text_is_looked_at_and_several_are_one_by_one(api, call, provider):
    provider.reply_with(Answer(data=[{"violence": 0.9, "hate": 0.6}]), Answer(data=[{}, {"sexual": 0.5}]))
    found = call("moderate", "I will …", purpose="comments")
    assert isinstance(found, Moderation)
    assert (found.flagged, found.categories) == (True, ("hate", "violence"))
    assert found.scores["violence"] == 0.9
    first, second = call("moderate", ["Good morning.", "…"])
    assert (first.flagged, first.categories, second.categories) == (False, (), ("sexual",))
    assert provider.requests[1].body["input"] == ["Good morning.", "…"]
    assert provider.requests[0].body["model"] == "omni-moderation-latest"
    rows = Call.objects.order_by("pk")
    assert [(row.operation, row.status, row.cost) for row in rows] == [("moderation", "succeeded", 0)] * 2
    assert rows[0].purpose == "comments"
    assert BudgetPeriod.objects.get().settled == 0


def test_one_text_in_a_list_is_a_list(call, provider, budget):
    assert len(call("moderate", ["Good morning."])) == 1


def test_categories_that_a_model_does_not_know_are_left_out(call, provider, budget):
    provider.reply_with(
        body({"flagged": False, "categories": {"illicit": None, "hate": False}, "category_scores": {"illicit": None}}),
        body({"flagged": True}),
    )
    assert call("moderate", "…") == Moderation(flagged=False, categories=(), scores={})
    assert call("moderate", "…") == Moderation(flagged=True, categories=(), scores={})


@pytest.mark.parametrize(
    "reply",
    [
        EmptyChoices(),
        Raw(b"{}"),
        Raw(b'{"results": "none"}'),
        body({}),
        body({"flagged": "no"}),
        body({"flagged": None}),
        body({"flagged": False, "categories": ["hate"]}),
        body({"flagged": False, "category_scores": [1]}),
        body({"flagged": False, "category_scores": {"hate": "high"}}),
        body({"flagged": False, "category_scores": {"hate": float("nan")}}),
        body({"flagged": False, "category_scores": {"hate": 7}}),
        body("harmless"),
        body({"flagged": False}, {"flagged": False}),
    ],
)
def test_what_is_no_moderation_is_never_passed_on(call, provider, budget, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAITransportError) as caught:
        call("moderate", "…")
    row = Call.objects.get(pk=caught.value.call_id)
    assert (caught.value.kind, row.status, row.error_kind) == ("malformed", "failed", "malformed")


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        ("", {}, "Text 1 is empty or no text"),
        (["x", ""], {}, "Text 2 is empty or no text"),
        ([], {}, "There is nothing to look at: give a text, or a list of texts."),
        (None, {}, "There is nothing to look at"),
        ("x", {"threshold": 0.5}, "threshold is not taken here"),
    ],
)
def test_what_makes_no_sense_is_refused(call, provider, budget, texts, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("moderate", texts, **options)
    assert provider.requests == []

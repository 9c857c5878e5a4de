"""What models take and reject, as a table."""

import pytest

from aiops.gateway.connection_options import connection_from
from aiops.gateway.model_rules import rules_of


def rules(model, provider="openai"):
    return rules_of(connection_from("test", {"BASE_URL": "http://127.0.0.1:9/v1", "PROVIDER": provider}), model)


REASONS = [
    ("gpt-6-luna", True, True),
    ("gpt-6.1-terra", True, True),
    ("gpt-6.1-sol-2026-10-01", True, True),
    ("gpt-5.1", True, True),
    ("gpt-5.4-nano", True, True),
    ("gpt-7", True, True),
    ("gpt-10-nova", True, True),
    ("openai/gpt-6-luna", True, True),
    ("ft:gpt-6-luna:shop::a1b2", True, True),
    ("gpt-5", True, False),
    ("gpt-5-mini-2025-08-07", True, False),
    ("o1", True, False),
    ("o3-mini", True, False),
    ("o4-mini-deep-research", True, False),
    ("gpt-5-chat-latest", False, False),
    ("gpt-6-chat-latest", False, False),
    ("gpt-4o", False, False),
    ("gpt-4o-mini", False, False),
    ("ft:gpt-4o-mini:shop::a1b2", False, False),
    ("gpt-4.1", False, False),
    ("gpt-35-turbo", False, False),
    ("gpt-oss-120b", False, False),
    ("omni-moderation-latest", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("model", "reasons", "may_not_reason"), REASONS)
@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_which_models_think(provider, model, reasons, may_not_reason):
    found = rules(model, provider)
    assert (found.reasons, found.may_not_reason) == (reasons, may_not_reason)


@pytest.mark.parametrize("model", [model for model, _reasons, _may_not in REASONS])
def test_a_server_of_ones_own_is_sent_what_it_is_given(model):
    given = {"temperature": 0.3, "top_p": 0.5, "logprobs": True}
    assert rules(model, "local").fitted(given) == rules(model, "local").adapted(given) == given


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("gpt-4o-mini", {"temperature": 0.2, "top_p": None}, {"temperature": 0.2}),
        ("gpt-6-luna", {"temperature": 0.2, "verbosity": "low"}, {"verbosity": "low"}),
        (
            "gpt-6-luna",
            {"temperature": 0.2, "reasoning_effort": "none"},
            {"temperature": 0.2, "reasoning_effort": "none"},
        ),
        ("gpt-6-luna", {"temperature": 0.2, "reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("o3", {"temperature": 0.2, "logprobs": True, "top_logprobs": 5}, {}),
    ],
)
def test_a_default_is_left_out_where_it_may_be_rejected(model, given, sent):
    assert rules(model).adapted(given) == sent


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("gpt-4o-mini", {"temperature": 0.2, "stop": None}, {"temperature": 0.2}),
        # What says the same as saying nothing is left out for a model that knows no such parameter.
        ("o3", {"temperature": 1, "top_p": 1.0, "logprobs": False, "user": "u"}, {"user": "u"}),
        ("gpt-6-luna", {"temperature": 0.2}, {"temperature": 0.2}),
        ("gpt-6-luna", {"temperature": 1, "reasoning_effort": "high"}, {"temperature": 1, "reasoning_effort": "high"}),
        ("gpt-6-luna", {"reasoning": "high"}, {"reasoning": "high"}),
    ],
)
def test_what_somebody_insists_on_is_sent(model, given, sent):
    assert rules(model).fitted(given) == sent


@pytest.mark.parametrize(
    ("model", "given", "sentence"),
    [
        ("o3", {"temperature": 0.2}, "The model “o3” takes no temperature: leave it out, or ask another model."),
        ("gpt-5-mini", {"logprobs": True}, "takes no logprobs"),
        ("gpt-5-mini", {"temperature": 0.2, "reasoning_effort": "none"}, "takes no temperature"),
        ("gpt-6-luna", {"top_p": 0.5, "reasoning_effort": "low"}, 'leave it out, or send reasoning_effort="none".'),
        ("gpt-6-luna", {"temperature": 0, "reasoning": {"effort": "high"}}, "takes no temperature"),
        ("ft:gpt-6-luna:shop::a1b2", {"temperature": 0, "reasoning_effort": "high"}, "takes no temperature"),
    ],
)
def test_what_a_model_surely_rejects_is_refused_before_it_is_sent(model, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        rules(model).fitted(given)

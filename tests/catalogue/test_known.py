"""What is known of a model by its name and its connection."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from aiops.catalogue.known import known_of
from aiops.gateway.connections import connection_from
from aiops.gateway.errors import Malformed
from aiops.gateway.model_abilities import abilities_of
from aiops.gateway.model_ends import ENDS, End, end_of
from aiops.gateway.model_list import ListedModel, listed

# Prices of one's own are rows.
pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPENAI = connection_from("default", {"API_KEY": "k"})
LOCAL = connection_from("local", {"BASE_URL": "http://127.0.0.1:9/v1", "PROVIDER": "local", "SUPPORTS_LOGPROBS": False})


@pytest.mark.parametrize(
    ("model", "can"),
    [
        ("gpt-6-luna", "decisions images logprobs reasoning streaming structured text tools"),
        ("gpt-5-mini", "images reasoning streaming structured text tools"),
        ("gpt-4o-mini", "images logprobs streaming structured text tools"),
        ("ft:gpt-4o-mini:a-shop::AbCd", "images logprobs streaming structured text tools"),
        ("gpt-4", "logprobs streaming text tools"),
        ("o3-mini", "reasoning streaming structured text tools"),
        ("text-embedding-3-small", "embeddings"),
        ("gpt-4o-mini-transcribe", "audio_in transcription"),
        ("whisper-1", "audio_in transcription"),
        ("gpt-4o-mini-tts", "audio_out speech"),
        ("omni-moderation-latest", "images moderation"),
        ("gpt-image-2", ""),
        ("gpt-realtime-mini", ""),
        ("house-model", ""),
    ],
)
def test_what_a_model_of_openais_can_do(model, can):
    assert " ".join(sorted(abilities_of(OPENAI, model))) == can


def test_decisions_are_there_where_the_connection_has_them():
    having = connection_from("default", {"API_KEY": "k", "SUPPORTS_DECISIONS": True})
    assert "decisions" in abilities_of(having, "gpt-6-luna")
    assert "decisions" not in abilities_of(having, "gpt-4o")


def test_of_a_compatible_server_its_connection_says_what_models_can_do():
    assert sorted(abilities_of(LOCAL, "smollm2")) == ["streaming", "structured", "text"]
    assert sorted(abilities_of(LOCAL, "nomic-embed-text")) == ["embeddings"]


def test_all_that_is_known_of_one_model():
    known = known_of(OPENAI, "gpt-4o-mini", now=NOW)
    assert (known.title, known.context_limit, known.output_limit) == ("gpt 4o mini", 128_000, 16_384)
    assert known.priced
    assert (known.ends_on, known.successor) == (date(2027, 1, 14), "gpt-6-luna")
    assert known.description


def test_of_a_stranger_nothing_is_made_up():
    known = known_of(OPENAI, "house-model", now=NOW)
    assert (known.title, known.context_limit, known.output_limit, known.ends_on) == ("", None, None, None)
    assert not known.priced


def test_the_day_that_the_server_names_goes_before_ours():
    assert known_of(OPENAI, "gpt-4o-mini", shut_down=date(2027, 3, 1), now=NOW).ends_on == date(2027, 3, 1)


def test_ends_are_those_of_openais_models_wherever_they_are_served():
    assert end_of(OPENAI, "gpt-4o") == ENDS["gpt-4o"]
    assert end_of(LOCAL, "gpt-4o") is None


@pytest.mark.parametrize(
    ("today", "near", "over"),
    [
        (date(2026, 11, 14), False, False),
        (date(2026, 11, 15), True, False),
        (date(2027, 1, 13), True, False),
        (date(2027, 1, 14), True, True),
    ],
)
def test_an_end_is_near_for_sixty_days_and_then_it_is_over(today, near, over):
    end = End(date(2027, 1, 14))
    assert (end.is_near(today), end.is_over(today)) == (near, over)


def test_an_end_whose_day_nobody_kept_is_over():
    assert End(None).is_near(date.min) and End(None).is_over(date.min)


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2027-01-14", date(2027, 1, 14)),
        ("2027-01-14T10:00:00Z", date(2027, 1, 14)),
        (1_799_884_800, date(2027, 1, 14)),
        (None, None),
        ("soon", None),
        (True, None),
        (1e300, None),
        ([], None),
    ],
)
def test_how_servers_write_the_day(told, day):
    content = json.dumps({"data": [{"id": "one", "shutdown_date": told}]}).encode()
    assert listed(content) == (ListedModel(name="one", shut_down=day),)


def test_names_that_no_call_could_carry_are_left_out():
    names = ["b", "a", "a", "", "x" * 129, "\x00"]
    content = json.dumps({"data": [{"id": name} for name in names]}).encode()
    assert [model.name for model in listed(content)] == ["a", "b"]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"data": 3}', b'{"data": ["a"]}', b'{"models": []}', b"null"])
def test_what_is_no_list_is_said_to_be_none(content):
    with pytest.raises(Malformed, match=r"The server's answer is no list of models\."):
        listed(content)

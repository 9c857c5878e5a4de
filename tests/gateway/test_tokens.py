"""Counting tokens: by OpenAI's tables, by the server that will answer, and by nobody."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from aiops.gateway.connections import InvalidConnection, connection_from, get_connection
from aiops.gateway.dialects import Request
from aiops.gateway.send import send
from aiops.gateway.testing import Answer, Raw, Status
from aiops.gateway.tokens import counting_tokens
from aiops.gateway.tokens.counter import CannotCount
from aiops.gateway.tokens.encodings import EncodingCounter, encoding_of
from aiops.gateway.tokens.server import ServerCounter

pytestmark = pytest.mark.skipif(find_spec("splintr") is None, reason="splintr-rs is missing: pip install splintr-rs")

MESSAGES = [{"role": "system", "content": "You sort tickets."}, {"role": "user", "content": "Wo ist meine Karte? 你好"}]


def connection(**options):
    return connection_from("elsewhere", {"BASE_URL": "http://127.0.0.1:1/v1", "API_KEY": None, **options})


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-6-luna", "o200k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("o3-mini", "o200k_base"),
        ("ft:gpt-4o-mini:shop::1", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("smollm2-135m-instruct", ""),
    ],
)
def test_the_table_of_a_model_is_known_by_its_name(model, encoding):
    assert encoding_of(connection(), model) == encoding


def test_a_name_says_nothing_at_other_providers_unless_the_settings_do():
    assert encoding_of(connection(PROVIDER="groq"), "gpt-oss-20b") == ""
    assert encoding_of(connection(PROVIDER="groq", TOKENIZER="o200k_base"), "gpt-oss-20b") == "o200k_base"


def test_a_tokenizer_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InvalidConnection, match="it must be empty or o200k_base or cl100k_base or server"):
        connection(TOKENIZER="p50k")


def test_rows_do_not_leave_the_machine_to_be_counted():
    with pytest.raises(InvalidConnection, match="a quote sends nothing out"):
        connection(TOKENIZER="server", BASE_URL="https://models.example.com/v1")


# From OpenAI's own tokenizer page.
@pytest.mark.parametrize(
    ("text", "tokens"), [("hello world", 2), ("", 0), ("antidisestablishmentarianism", 6), ("<|endoftext|>", 7)]
)
def test_texts_are_counted_as_openai_does_and_no_sign_has_a_meaning_of_its_own(text, tokens):
    assert EncodingCounter("o200k_base").of_text(text) == tokens


def test_half_a_character_is_counted_as_what_is_sent_for_it():
    assert EncodingCounter("o200k_base").of_text("a\ud83d") > 0


def test_messages_count_with_what_surrounds_them():
    counter = EncodingCounter("o200k_base")
    texts = sum(counter.of_text(message["content"]) for message in MESSAGES)
    assert counter.of_messages(MESSAGES) == texts + 2 * 4 + 3
    parts = [{"role": "user", "content": [{"type": "text", "text": "You sort tickets."}]}]
    assert counter.of_messages(parts) == counter.of_messages(MESSAGES[:1])


def test_a_server_counts_what_it_will_say_that_it_read(provider, settings):
    default = get_connection("default")
    counted = ServerCounter(default).of_messages(MESSAGES)
    asked = Request(connection="default", model="any", messages=tuple(MESSAGES), output_limit=10)
    assert send(asked, default, timeout=5).usage.tokens_in == counted
    assert ServerCounter(default).of_text("12345") == 2


@pytest.mark.parametrize(
    "answer", [Status(404), Status(500), Raw(b"no JSON"), Answer(data=[1]), Answer(data={"tokens": 7})]
)
def test_where_the_server_does_not_count_it_is_estimated(provider, settings, answer):
    settings.AIOPS["CONNECTIONS"]["default"] = {**settings.AIOPS["CONNECTIONS"]["default"], "TOKENIZER": "server"}
    get_connection.cache_clear()
    provider.when(lambda request: "v1" not in request.path, answer)
    default = get_connection("default")
    with pytest.raises(CannotCount):
        ServerCounter(default).of_text("12345678")
    assert counting_tokens(default, "any", lambda counter: counter.of_text("12345678")) == 2
    assert not counting_tokens(default, "any", lambda counter: (counter.of_text("1"), counter.is_exact)[1])

"""Answers that are none, are too large, or hold what no database takes: each call ends, and what came is kept."""

import pytest

from aiops import OpenAIClientError
from aiops.gateway.testing import (
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Deep,
    Disconnect,
    EmptyChoices,
    Ending,
    Failed,
    Filtered,
    Flood,
    HalfClosed,
    Html,
    Length,
    Raw,
    Refusal,
    WrongContentType,
)
from tests.faults.conftest import closed_row

TEXT = "A payment that was taken back by the bank of the customer, who did not know of it."
SAID = Answer(TEXT)

BROKEN = {
    "nothing at all": Disconnect(),
    "a body that is cut": CutBody(of=SAID),
    "JSON that is cut": CutJson(of=SAID),
    "half a connection": HalfClosed(of=SAID),
    "a stream that is cut": CutStream(of=SAID, after_chunks=5),
    "a stream that ends too soon": CutStream(of=SAID, after_chunks=5, politely=True),
    "no end": Ending(of=SAID, times=0),
    "a page": Html(),
    "bytes": Raw(b"\x00\xff\xfe"),
    "an event without a bottom": Deep(outside=True),
    "a gigabyte": Flood(1 << 30),
    "a bomb": Flood(1 << 30, compressed=True),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_an_answer_that_is_none_ends_the_call_and_is_kept(ask, provider, fault):
    # Where nothing of an answer came, a second try may help; where it does not, all ends as it began.
    provider.when(lambda _: True, BROKEN[fault])
    with pytest.raises(OpenAIClientError) as caught:
        ask()
    row = closed_row()
    assert row.status == "failed"
    assert row.error_kind == caught.value.kind in ("interrupted", "malformed", "incomplete")
    assert row.attempt_count == len(provider.requests)
    assert row.cost is None, "it may have been billed"
    if fault in ("JSON that is cut", "no end", "a stream that is cut", "a stream that ends too soon") and (
        ask.streams or fault in ("JSON that is cut", "no end")
    ):
        assert "taken back" in row.output or ask.streams
        assert row.output
    if fault in ("a page", "bytes") and not ask.streams:
        assert row.output


@pytest.mark.parametrize(
    ("reply", "kind", "kept"),
    [
        (Refusal("I would rather not."), "refused", "I would rather not."),
        (Length("A payment ta"), "cut_off", "A payment ta"),
        (Filtered("A payment"), "filtered", "A payment"),
        (EmptyChoices(), "empty", ""),
    ],
)
def test_an_answer_that_may_not_be_passed_on_is_paid_for_and_kept(ask, provider, reply, kind, kept):
    provider.reply_with(reply)
    with pytest.raises(OpenAIClientError):
        ask()
    row = closed_row()
    assert (row.status, row.error_kind, row.output) == ("failed", kind, kept)
    assert (row.attempt_count, row.tokens_in) == (1, provider.totals.prompt_tokens)
    assert row.cost > 0


def test_a_model_that_gives_up_is_asked_again_unless_something_was_shown(ask, provider):
    provider.reply_with(Failed(), TEXT)
    assert ask() == TEXT
    assert closed_row().attempt_count == 2


WHOLE = {
    "a wrong content type": WrongContentType(of=SAID),
    "no usage": Answer(TEXT, usage=None),
    "less than nothing": Answer(TEXT, usage={"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6}),
}


@pytest.mark.parametrize("fault", WHOLE)
def test_what_is_odd_about_a_whole_answer_does_not_spoil_it(ask, provider, fault):
    provider.reply_with(WHOLE[fault])
    assert ask() == TEXT
    row = closed_row()
    assert (row.status, row.output, row.attempt_count) == ("succeeded", TEXT, 1)


def test_an_end_that_comes_twice_ends_a_stream_once(ask, provider):
    provider.when(lambda _: True, Ending(of=SAID, times=2))
    if ask.streams:
        assert ask() == TEXT
    else:
        with pytest.raises(OpenAIClientError):
            ask()
    row = closed_row()
    assert row.status == ("succeeded" if ask.streams else "failed")
    assert TEXT in row.output
    assert row.attempt_count == 1


def test_what_no_database_holds_is_shown_as_such_to_everybody(ask, provider):
    provider.reply_with(Answer("a\x00b \ud800 c"))
    assert ask() == "a\ufffdb \ufffd c" == closed_row().output


def test_text_without_a_bottom_is_text(ask, provider):
    provider.reply_with(Answer("[" * 100_000, usage={"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}))
    assert ask() == "[" * 100_000 == closed_row().output

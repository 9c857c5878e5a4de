"""Values come back where a model wrote their tokens, however it wrote them, and nowhere else."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.redaction import Found, redact
from aiops.redaction.detectors import emails, ip_addresses

ADA = "ada@example.com"
TWELVE = [f"person{number}@example.com" for number in range(1, 13)]


def mails_of_the_house(text):
    """A kind of more than one word."""
    yield from (Found(found.start, found.end, "house_mail") for found in emails(text))


def redacted(*values, detector=emails):
    return redact([{"role": "user", "content": " ".join(values)}], [detector])


@pytest.mark.parametrize(
    "written",
    [
        "[EMAIL_1]",
        "EMAIL_1",
        "[email_1]",
        "email_1",
        "Email_1",
        r"\[EMAIL\_1\]",
        r"[EMAIL\_1]",
        r"EMAIL\_1",
        "[ EMAIL_1 ]",
    ],
)
@pytest.mark.parametrize("around", ["{}", "to {}.", "**{}**", "<{}>", "({})", "{}, {}", "`{}`", "给{}发", "x:{}\n"])
def test_a_token_is_known_however_a_model_writes_it(written, around):
    restore = redacted(ADA).restore
    answer = around.replace("{}", written)
    assert restore.text(answer) == around.replace("{}", ADA)


@pytest.mark.parametrize(
    "answer",
    [
        "[EMAIL_2]",
        "[EMAIL_12]",
        "EMAIL_12",
        "[EMAIL_01]",
        "EMAIL_1st",
        "EMAIL_1_2",
        "MY_EMAIL_1",
        "GEMAIL_1",
        "[IBAN_1]",
        "EMAIL_",
        "[EMAIL 1]",
        "EMAIL_1" + "0" * 20,
        "EMAıL_1",
        "[EMAIL_١]",
    ],
)
def test_what_only_looks_like_a_token_stays(answer):
    assert redacted(ADA).restore.text(answer) == answer


def test_the_twelfth_is_not_the_first_and_a_two():
    restore = redacted(*TWELVE).restore
    assert restore.text("[EMAIL_1]2 [EMAIL_12] EMAIL_12 email_1") == (
        f"{TWELVE[0]}2 {TWELVE[11]} {TWELVE[11]} {TWELVE[0]}"
    )


def test_a_kind_of_several_words_is_known_too():
    restore = redacted(ADA, detector=mails_of_the_house).restore
    assert restore.text(r"[HOUSE_MAIL_1] house\_mail\_1 \[HOUSE\_MAIL\_1\] MAIL_1") == f"{ADA} {ADA} {ADA} MAIL_1"


def everything_before_a_bar(text):
    start = 0
    for part in text.split("|")[:-1]:
        yield Found(start, start + len(part), "part")
        start += len(part) + 1


def test_what_was_put_in_is_not_looked_at_again():
    # The first value looks like the token of the second, had tokens been free to be so.
    found = redact([{"role": "user", "content": r"\1 [PART_|second|"}], [everything_before_a_bar])
    content = found.messages[0]["content"]
    assert content == "[PART_1]|[PART_2]|"
    assert found.restore.text("[PART_1]2] [PART_2]") == r"\1 [PART_2] second"


def test_parsed_data_is_restored_in_its_texts_alone():
    restore = redacted(ADA).restore
    data = {"to": "[EMAIL_1]", "EMAIL_1": ["[EMAIL_1]", 1, None, True, {"cc": "email_1"}]}
    assert restore.data(data) == {"to": ADA, "EMAIL_1": [ADA, 1, None, True, {"cc": ADA}]}
    assert data["to"] == "[EMAIL_1]"


def test_where_nothing_was_redacted_an_answer_is_left_alone():
    restore = redact([{"role": "user", "content": "Hello"}], [emails]).restore
    stream = restore.stream()
    assert restore.text("[EMAIL_1]") == restore.data("[EMAIL_1]") == "[EMAIL_1]"
    assert (stream.feed("[EMAIL_"), stream.feed("1]"), stream.end()) == ("[EMAIL_", "1]", "")


@pytest.mark.parametrize("keep", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_restorer_is_kept_nowhere(keep):
    found = redacted(ADA)
    sentence = "A Restorer holds what may not leave this process: it is neither pickled nor copied; keep its counts."
    for holder in (found.restore, found.restore.stream()):
        with pytest.raises(TypeError) as refusal:
            # A shallow copy of a stream would share its restorer.
            (copy.deepcopy if keep is copy.copy and holder is not found.restore else keep)(holder)
        assert str(refusal.value) == sentence


def test_a_restorer_shows_how_much_it_knows_and_never_what():
    found = redact([{"role": "user", "content": f"{ADA} bob@example.com 203.0.113.7"}], [emails, ip_addresses])
    assert repr(found.restore) == "<Restorer: 2 email, 1 ip>"
    assert repr(redacted("Hello").restore) == "<Restorer: nothing>"
    for shown in (repr(found), str(found), repr(found.restore.stream()), json.dumps(found.counts)):
        assert "@" not in shown and "203.0" not in shown


def test_a_stream_keeps_back_what_may_be_the_beginning_of_a_token_and_nothing_else():
    stream = redacted(ADA).restore.stream()
    assert [stream.feed(delta) for delta in ("Dear ", "[EM", "AIL", "_1", "], e", "lse", " E", "very")] == [
        "Dear ",
        "",
        "",
        "",
        f"{ADA}, ",
        "else",
        " ",
        "Every",
    ]
    assert stream.end() == ""


def test_a_stream_gives_out_at_its_end_what_it_kept_back():
    stream = redacted(ADA).restore.stream()
    assert (stream.feed("to EMAIL_1"), stream.end()) == ("to ", ADA)
    assert stream.end() == ""


PIECES = st.sampled_from([*r"[]\_ E1x.é", "12", "EMAIL_1", r"\[EMAIL\_2\]", "MAIL", r"HOUSE\_MAIL\_3", "house", r"\_"])


@given(pieces=st.lists(PIECES | st.text(max_size=2), max_size=30), cuts=st.data())
@pytest.mark.parametrize("detector", [emails, mails_of_the_house])
def test_a_stream_is_restored_like_the_whole_wherever_it_is_cut(detector, pieces, cuts):
    restore = redacted(*TWELVE, detector=detector).restore
    answer = "".join(pieces)
    stream = restore.stream()
    given, position = [], 0
    while position < len(answer):
        size = cuts.draw(st.integers(1, 6))
        given.append(stream.feed(answer[position : position + size]))
        position += size
    given.append(stream.end())
    assert "".join(given) == restore.text(answer)


def test_a_stream_keeps_back_little_whatever_comes():
    restore = redacted(ADA).restore
    for delta in ("EMAIL_", "1", "[", "\\", "email\\_1", " "):
        stream = restore.stream()
        for _ in range(1000):
            stream.feed(delta)
        assert len(stream.end()) < 100

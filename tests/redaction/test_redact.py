"""Nothing that was found is in the messages that leave, and whatever else is in them stays as it was."""

from __future__ import annotations

import copy
import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.redaction import DetectorFailed, Found, NotReadable, redact
from aiops.redaction.detectors import cards, emails, ibans

ADA = "ada@example.com"
BOB = "bob@example.com"


def customers(text):
    """Numbers of customers: C and five digits."""
    for start in range(len(text) - 5):
        if text[start] == "C" and text[start + 1 : start + 6].isdecimal():
            yield Found(start, start + 6, "customer")


def only(text, detectors=(emails,), **kwargs):
    redacted = redact([{"role": "user", "content": text}], detectors, **kwargs)
    return redacted.messages[0]["content"]


def test_without_detectors_the_messages_themselves_leave():
    messages = [{"role": "user", "content": ADA}]
    redacted = redact(messages, [])
    assert redacted.messages is messages
    assert redacted.counts == {}


def test_where_nothing_is_found_the_messages_themselves_leave():
    messages = [{"role": "user", "content": "Hello"}]
    assert redact(messages, [emails]).messages is messages


def test_a_value_has_one_token_in_all_messages_and_each_value_its_own():
    messages = [
        {"role": "system", "content": f"You answer for {BOB}."},
        {"role": "user", "content": f"I am {ADA}, not {BOB}. DE89 3704 0044 0532 0130 00"},
        {"role": "assistant", "content": f"Good day, {ADA}."},
    ]
    redacted = redact(messages, [emails, ibans])
    assert [message["content"] for message in redacted.messages] == [
        "You answer for [EMAIL_1].",
        "I am [EMAIL_2], not [EMAIL_1]. [IBAN_1]",
        "Good day, [EMAIL_2].",
    ]
    assert redacted.counts == {"email": 2, "iban": 1}


def test_what_is_given_is_never_changed():
    messages = [
        {"role": "user", "content": [{"type": "text", "text": ADA}]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps({"to": ADA})},
    ]
    before = copy.deepcopy(messages)
    assert redact(messages, [emails]).counts == {"email": 1}
    assert messages == before


def test_texts_among_pictures_are_redacted_and_pictures_stay():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,4111111111111111", "detail": "low"}}
    sound = {"type": "input_audio", "input_audio": {"data": "4111111111111111", "format": "wav"}}
    redacted = redact([{"role": "user", "content": [{"type": "text", "text": ADA}, picture, sound]}], [emails, cards])
    assert redacted.messages == ({"role": "user", "content": [{"type": "text", "text": "[EMAIL_1]"}, picture, sound]},)


def test_the_name_of_a_person_is_redacted_and_that_of_a_function_is_not():
    messages = [
        {"role": "user", "name": "C12345", "content": "Hello"},
        {"role": "tool", "name": "C12345", "tool_call_id": "C12345", "content": "C12345"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "C12345", "type": "function", "function": {"name": "C12345", "arguments": "{}"}}],
        },
    ]
    person, tool, assistant = redact(messages, [customers]).messages
    assert person["name"] == "[CUSTOMER_1]"
    assert tool == {"role": "tool", "name": "C12345", "tool_call_id": "C12345", "content": "[CUSTOMER_1]"}
    assert assistant == messages[2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"to": "ada@example.com", "n": 1.10}', '{"to": "[EMAIL_1]", "n": 1.10}'),
        ('{"to":"ada\\u0040example.com"}', '{"to":"[EMAIL_1]"}'),
        ('{"to": "„Müller“ \\"x\\" ada@example.com"}', '{"to": "„Müller“ \\"x\\" [EMAIL_1]"}'),
        ('{"ada@example.com": true}', '{"[EMAIL_1]": true}'),
        ('{"card": 4111111111111111, "at": [-1e3]}', '{"card": "[CARD_1]", "at": [-1e3]}'),
        ('{"inner": "{\\"card\\": 4111111111111111}"}', '{"inner": "{\\"card\\": \\"[CARD_1]\\"}"}'),
        ('{"id": "ada@example.com"}', '{"id": "[EMAIL_1]"}'),
        ('[1, "ada@example.com"]', '[1, "[EMAIL_1]"]'),
    ],
)
def test_arguments_and_results_of_tools_stay_json(arguments, expected):
    call = {"id": "1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": arguments},
    ]
    asked, answered = redact(messages, [emails, cards]).messages
    assert asked["tool_calls"][0]["function"]["arguments"] == expected
    assert answered["content"] == expected
    json.loads(expected)


def test_arguments_that_are_no_text_are_looked_at_whatever_their_fields_are_called():
    function = {"name": "send", "arguments": {"id": ADA, "name": ADA, "image_url": [ADA], "n": 1}}
    [message] = redact([{"role": "assistant", "tool_calls": [{"function": function}]}], [emails]).messages
    assert message["tool_calls"][0]["function"]["arguments"] == {
        "id": "[EMAIL_1]",
        "name": "[EMAIL_1]",
        "image_url": ["[EMAIL_1]"],
        "n": 1,
    }


@pytest.mark.parametrize("text", ['{"to": "ada@example.com"', "[x] ada@example.com", "[" * 100_000 + ADA])
def test_what_only_begins_like_json_is_text(text):
    assert only(text) == text.replace(ADA, "[EMAIL_1]")


@pytest.mark.parametrize("field", ["reasoning_content", "refusal", "a_field_of_next_year"])
def test_a_field_that_nobody_knows_carries_nothing_out(field):
    redacted = redact([{"role": "assistant", "content": "", field: {"deep": [ADA]}}], [emails])
    assert ADA not in json.dumps(redacted.messages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[EMAIL_1] is ada@example.com", "[EMAIL_1] is [EMAIL_2]"),
        ("EMAIL_1, email_2 and \\[Email\\_3\\]: ada@example.com", "EMAIL_1, email_2 and \\[Email\\_3\\]: [EMAIL_4]"),
        ("MY_EMAIL_1 EMAIL_1x [EMAIL_x] ada@example.com", "MY_EMAIL_1 EMAIL_1x [EMAIL_x] [EMAIL_1]"),
        # Only what leaves counts.
        ("email_1@example.com", "[EMAIL_1]"),
    ],
)
def test_a_word_that_stands_there_is_no_token(text, expected):
    redacted = redact([{"role": "user", "content": text}], [emails])
    assert redacted.messages[0]["content"] == expected
    assert redacted.restore.text(expected) == text


def test_a_word_that_comes_about_when_its_neighbour_is_taken_out_is_no_token():
    text = "C12345EMAIL_1 EMAIL_2C12345 CUSTOMER_1 ada@example.com"
    redacted = redact([{"role": "user", "content": text}], [emails, customers])
    sent = redacted.messages[0]["content"]
    assert sent == "[CUSTOMER_2]EMAIL_1 EMAIL_2[CUSTOMER_2] CUSTOMER_1 [EMAIL_3]"
    assert redacted.restore.text(sent) == text


def test_a_word_that_goes_along_is_no_token():
    schema = {"properties": {"email_1": {"type": "string"}, "to": {"enum": ["EMAIL_2", None]}}}
    assert only(ADA, beside=(schema, [{"name": "email_3"}])) == "[EMAIL_4]"


def finds(*spans):
    return lambda text: [Found(*span) for span in spans]


@pytest.mark.parametrize(
    ("detectors", "expected"),
    [
        ([finds((2, 5, "a"), (2, 5, "b"))], "01[A_1]56789"),
        ([finds((2, 5, "a")), finds((2, 5, "b"))], "01[A_1]56789"),
        ([finds((2, 4, "a")), finds((3, 9, "b"))], "01[B_1]9"),
        ([finds((0, 9, "a")), finds((3, 5, "b"))], "[A_1]9"),
        ([finds((2, 4, "a"), (3, 6, "b"), (5, 9, "c"))], "01[C_1]9"),
        ([finds((2, 4, "a"), (4, 6, "b"))], "01[A_1][B_1]6789"),
        ([finds((4, 6, "b"), (2, 4, "a"))], "01[A_1][B_1]6789"),
    ],
)
def test_findings_that_overlap_are_covered_all_of_them_and_are_of_the_kind_of_the_longest(detectors, expected):
    assert only("0123456789", detectors) == expected


def broken(text):
    raise ValueError(text)


def broken_on_the_way(text):
    yield Found(0, 1, "a")
    raise KeyError(text)


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (broken, "ValueError"),
        (broken_on_the_way, "KeyError"),
        (finds((0, 99, "a")), "it found something from 0 to 99 of 15 characters"),
        (finds((3, 3, "a")), "it found something from 3 to 3 of 15 characters"),
        (finds((-1, 3, "a")), "it found something from -1 to 3 of 15 characters"),
        (finds((0, 1, "E-mail")), "a kind is no word in small letters"),
        (finds((0, 1, "")), "a kind is no word in small letters"),
        (lambda text: [text], "AttributeError"),
        (lambda text: None, "TypeError"),
    ],
)
def test_a_detector_that_fails_refuses_the_call_and_its_error_holds_no_text(detector, complaint):
    with pytest.raises(DetectorFailed) as refusal:
        only(ADA, [emails, detector])
    name = f"{detector.__module__}.{detector.__qualname__}"
    assert str(refusal.value) == (
        f"The detector “{name}” failed ({complaint}), so that nothing was sent: mend it or take it out."
    )
    assert refusal.value.detector == name
    assert refusal.value.__context__ is None
    assert ADA not in "".join(traceback.format_exception(refusal.value))


def test_a_detector_that_is_an_object_is_named_by_its_class():
    class Grumpy:
        def __call__(self, text):
            raise ValueError(text)

    with pytest.raises(DetectorFailed) as refusal:
        only(ADA, [Grumpy()])
    assert refusal.value.detector.endswith(".Grumpy")


def nested(levels):
    found = ADA
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"role": "user", "content": b"x"}, "holds something of type bytes"),
        ({"role": "user", "content": [{"type": "text", "text": object()}]}, "holds something of type object"),
        ("Hello", "is of type str and no dictionary"),
        ({"role": "user", "content": nested(100_000)}, "is nested too deeply"),
    ],
)
def test_what_cannot_be_looked_through_is_refused(message, complaint):
    with pytest.raises(NotReadable) as refusal:
        redact([message], [emails])
    assert str(refusal.value) == (
        f"A message {complaint}, which nobody can look through for what may not leave: nothing was sent."
    )


PIECES = st.sampled_from([ADA, BOB, "C12345", "C99999", *' x_[]\\"1é', "EMAIL_1", "[EMAIL_2]", "[customer\\_1]"])
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(st.lists(TEXTS, max_size=4))
def test_nothing_found_is_left_and_everything_can_be_put_back(texts):
    messages = [{"role": "user", "content": text} for text in texts]
    redacted = redact(messages, [emails, customers])
    left = [message["content"] for message in redacted.messages]
    assert [found for text in left for detector in (emails, customers) for found in detector(text)] == []
    assert [redacted.restore.text(text) for text in left] == texts


PLAIN = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(PLAIN)
def test_data_of_tools_is_whole_after_its_way_there_and_back(data):
    content = json.dumps([data])
    redacted = redact([{"role": "tool", "tool_call_id": "1", "content": content}], [emails])
    sent = redacted.messages[0]["content"]
    assert ADA not in sent and BOB not in sent

    def restored(value):
        # The way back leaves keys as they are; here they are put back too, so that all can be compared.
        if isinstance(value, list):
            return [restored(one) for one in value]
        if isinstance(value, dict):
            return {redacted.restore.text(key): restored(one) for key, one in value.items()}
        return redacted.restore.data(value)

    assert restored(json.loads(sent)) == json.loads(content)

"""Texts into vectors: in order, one each, whatever the server sends them as."""

import base64
import json
import math
import struct

import pytest

from aiops import OpenAITransportError, track_costs
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Raw, Status
from aiops.ledger.models import BudgetPeriod

TEXTS = ["one", "two", "three"]


def body(*vectors, indexes=None, usage=None):
    """An answer of these vectors, as a server writes it."""
    data = [
        {"index": index, "embedding": vector}
        for index, vector in zip(indexes or range(len(vectors)), vectors, strict=True)
    ]
    return Raw(json.dumps({"data": data, "model": "x", "usage": usage or {"prompt_tokens": 3}}).encode())


def packed(*numbers):
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_one_text_is_one_vector_and_several_are_a_list(api, call, provider):
    vector = call("embed", "one")
    assert len(vector) == 1536
    assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-6)
    assert call("embed", ["one"]) == [vector]
    vectors = call("embed", TEXTS, dimensions=8)
    assert [len(one) for one in vectors] == [8, 8, 8]
    assert len({tuple(one) for one in vectors}) == 3
    assert [request.body["model"] for request in provider.requests] == ["text-embedding-3-small"] * 3
    assert provider.requests[2].body["dimensions"] == 8
    row = Call.objects.order_by("pk").last()
    assert (row.operation, row.status, row.tokens_in) == ("embedding", "succeeded", 4)
    assert [message["content"] for message in row.messages] == TEXTS


def test_five_thousand_texts_keep_their_order_over_many_calls(call, provider, budget):
    texts = [f"Ticket {number}" for number in range(5_000)]
    provider.when(
        lambda request: True,
        lambda request: Answer(data=[[float(text.split()[1]), 1.0] for text in request.body["input"]]),
    )
    with track_costs() as costs:
        vectors = call("embed", texts, purpose="search")
    assert [vector[0] for vector in vectors] == [float(number) for number in range(5_000)]
    assert costs.calls == len(provider.requests) == 20
    assert {row.purpose for row in Call.objects.all()} == {"search"}
    assert BudgetPeriod.objects.get().settled == costs.nano_dollars


def test_long_texts_are_sent_in_shares_that_a_provider_takes(call, provider, budget):
    texts = ["ä" * 10_000] * 40
    assert len(call("embed", texts, dimensions=2)) == 40
    assert [len(request.body["input"]) for request in provider.requests] == [15, 15, 10]


def test_the_largest_share_fits_into_an_answer(call, provider, budget):
    vectors = call("embed", ["text"] * 256, model="text-embedding-3-large")
    assert (len(vectors), len(vectors[0])) == (256, 3072)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "vectors",
    [
        ([0.5, -1.25], [1.0, 0.0], [0.0, 2.0]),
        (packed(0.5, -1.25), packed(1, 0), packed(0, 2)),
        ([0.5, -1.25], packed(1, 0), [0, 2]),
    ],
)
def test_vectors_come_in_digits_or_packed_and_in_any_order(call, provider, budget, vectors):
    turned = (vectors[2], vectors[0], vectors[1])
    provider.reply_with(body(*turned, indexes=[2, 0, 1]))
    assert call("embed", TEXTS) == [[0.5, -1.25], [1.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    "reply",
    [
        body([1.0, math.nan], [1.0, 1.0], [1.0, 1.0]),
        body([1.0, math.inf], [1.0, 1.0], [1.0, 1.0]),
        body(packed(1, math.nan), packed(1, 1), packed(1, 1)),
        body([1.0, 10**400], [1.0, 1.0], [1.0, 1.0]),
        body([], [], []),
        body("", "", ""),
        body([1.0], [1.0, 1.0], [1.0]),
        body("AAA", "AAAA", "AAAA"),
        body("not base64!", packed(1), packed(1)),
        body(["1", "2"], [1, 2], [1, 2]),
        body(None, [1.0], [1.0]),
        body([1.0], [1.0], [1.0], indexes=[0, 1, 1]),
        body([1.0], [1.0], [1.0], indexes=[1, 2, 3]),
        body([1.0], [1.0], [1.0], indexes=["0", 1, 2]),
        Raw(b'{"data": []}'),
        Raw(b'{"data": {}}'),
        Raw(b'{"data": [null]}'),
        Raw(b"[]"),
        Raw(b"\xff\x00"),
    ],
)
def test_what_is_no_vector_is_never_passed_on(call, provider, budget, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAITransportError, match="The provider's answer is no list of embeddings") as caught:
        call("embed", TEXTS)
    row = Call.objects.get(pk=caught.value.call_id)
    assert (caught.value.kind, row.status, row.error_kind) == ("malformed", "failed", "malformed")
    assert BudgetPeriod.objects.get().held == 0


@pytest.mark.parametrize("texts", ["one", TEXTS])
def test_another_number_of_vectors_is_an_error_that_is_logged_and_paid(call, provider, budget, texts):
    provider.reply_with(body([1.0], [2.0]))
    with pytest.raises(OpenAITransportError, match=r"(1|3) texts were sent and 2 answers came\.") as caught:
        call("embed", texts)
    row = Call.objects.get(pk=caught.value.call_id)
    assert (row.status, row.error_kind) == ("failed", "malformed")
    # It was counted, and is what it costs.
    assert row.cost == BudgetPeriod.objects.get().settled == 3 * 20


def test_a_share_that_is_one_too_long_does_not_make_up_for_one_too_short(call, provider, budget):
    provider.reply_with(body(*[[1.0]] * 257), body(*[[1.0]] * 43))
    with pytest.raises(OpenAITransportError, match="256 texts were sent and 257 answers came"):
        call("embed", ["text"] * 300)
    assert len(provider.requests) == 1


def test_a_failure_that_passes_is_sent_again(call, provider, budget):
    provider.reply_with(Status(500), body([1.0]))
    assert call("embed", "one") == [1.0]
    assert Call.objects.get().attempt_count == 2


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        ("", {}, "Text 1 is empty or no text: leave it out."),
        (["one", "  "], {}, "Text 2 is empty or no text"),
        (["one", None], {}, "Text 2 is empty or no text"),
        ([], {}, "There is nothing to embed"),
        (None, {}, "There is nothing to embed"),
        (7, {}, "There is nothing to embed"),
        ("one", {"dimensions": 0}, "dimensions is 0: give a whole number above zero."),
        ("one", {"dimensions": -1}, "dimensions is -1"),
        ("one", {"dimensions": True}, "dimensions is True"),
        ("one", {"dimensions": 8.0}, "dimensions is 8.0"),
        ("one", {"encoding_format": "float"}, "encoding_format is not taken here: use client.sdk"),
        ("one", {"temperature": 1}, "temperature is not taken here"),
        ("one", {"fallbacks": ["local"]}, "fallbacks is not taken here"),
        ("one", {"cache": True}, "cache is not taken here"),
    ],
)
def test_what_makes_no_sense_is_refused(call, provider, budget, texts, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("embed", texts, **options)
    assert provider.requests == []
    assert not Call.objects.exists()

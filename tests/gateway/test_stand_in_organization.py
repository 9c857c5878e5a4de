"""The stand-in tells what was billed and used as OpenAI's own interface does: the SDK reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import openai
import pytest
from openai import OpenAI

from aiops.gateway.testing import StandIn

FIRST = date(2026, 11, 1)
START = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DAY = 86400


@pytest.fixture
def stand_in():
    with StandIn(api_key="k", admin_key="admin") as provider:
        yield provider


@pytest.fixture
def usage(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="k", admin_api_key="admin", max_retries=0) as client:
        yield client.admin.organization.usage


def test_a_bill_by_line(stand_in, usage):
    stand_in.books.bill(FIRST, "gpt-6-luna-2026-09-01, input", 0.06)
    stand_in.books.bill(FIRST + timedelta(days=1), "gpt-6-luna-2026-09-01, output", "0.07")
    page = usage.costs(start_time=START, end_time=START + 3 * DAY, group_by=["line_item"], limit=180)
    assert [bucket.start_time for bucket in page.data] == [START, START + DAY, START + 2 * DAY]
    [first], [second], none = [bucket.results for bucket in page.data]
    assert (first.amount.value, first.amount.currency, first.line_item) == (0.06, "usd", "gpt-6-luna-2026-09-01, input")
    assert (second.line_item, none, page.has_more) == ("gpt-6-luna-2026-09-01, output", [], False)
    assert usage.costs(start_time=START).data[0].results[0].line_item is None


def test_use_by_model(stand_in, usage):
    stand_in.books.use(FIRST, "gpt-6-luna", requests=3, tokens_in=100, tokens_out=20)
    stand_in.books.use(FIRST, "text-embedding-3-small", requests=4, tokens_in=50)
    [result] = usage.completions(start_time=START, group_by=["model"]).data[0].results
    assert (result.model, result.num_model_requests, result.input_tokens, result.output_tokens) == (
        "gpt-6-luna",
        3,
        100,
        20,
    )
    [result] = usage.embeddings(start_time=START, group_by=["model"]).data[0].results
    assert (result.model, result.num_model_requests, result.input_tokens) == ("text-embedding-3-small", 4, 50)


def test_pages_are_as_long_as_is_asked(usage):
    page = usage.completions(start_time=START, end_time=START + 40 * DAY, limit=31)
    rest = usage.completions(start_time=START, end_time=START + 40 * DAY, limit=31, page=page.next_page)
    assert (len(page.data), page.has_more, len(rest.data), rest.has_more) == (31, True, 9, False)
    assert len(usage.costs(start_time=START).data) == 7


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limit": 181}, "between 1 and 180"),
        ({"end_time": START}, "'end_time' must be after"),
        ({"group_by": ["project_id"]}, "Invalid 'group_by'"),
    ],
)
def test_what_makes_no_sense_is_refused(usage, query, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        usage.costs(**{"start_time": START} | query)


def test_it_takes_the_admin_key_and_models_take_the_other(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="k", admin_api_key="k", max_retries=0) as client:
        client.models.list()
        with pytest.raises(openai.AuthenticationError):
            client.admin.organization.usage.costs(start_time=START)

"""Bills out of files: whichever form they come in they say the same, and what is none is refused in a sentence."""

from __future__ import annotations

import json
from datetime import date

import pytest

from aiops.execution.reconciliation.bill import Bill
from aiops.execution.reconciliation.errors import UnreadableBill
from aiops.execution.reconciliation.exports import lines_in
from aiops.execution.reconciliation.names import model_in

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
START = 1793491200
"""The first of November."""

COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,line_item,project_id\n"
    f'{START},{START + 86400},2026-11-01T00:00:00+00:00,,0.0000045000000000,usd,30,"gpt-6-luna-2026-09-01, input",p\n'
    f'{START},{START + 86400},2026-11-01T00:00:00+00:00,,0E-6176,usd,0,"gpt-6-luna-2026-09-01, cached input",p\n'
    f'{START},{START + 86400},2026-11-01T00:00:00+00:00,,0.0000342,usd,57,"gpt-6-luna-2026-09-01, output",p\n'
    f"{START + 86400},{START + 2 * 86400},2026-11-02T00:00:00+00:00,,,,,,\n"
)
USAGE = (
    "start_time,end_time,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens\n"
    f"{START},{START + 86400},gpt-6-luna-2026-09-01,3,30,57,0\n"
)
PLAIN = "date,model,cost,calls,input_tokens,output_tokens\n2026-11-01,gpt-6-luna,0.0000387,3,30,57\n2026-11-02,,0,,,\n"


def result(value, line):
    return {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}, "line_item": line}


PAGE = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": START,
            "end_time": START + 86400,
            "results": [
                result("0.0000045", "gpt-6-luna-2026-09-01, input"),
                result(3.42e-05, "gpt-6-luna-2026-09-01, output"),
            ],
        },
        {"object": "bucket", "start_time": START + 86400, "end_time": START + 2 * 86400, "results": []},
    ],
    "has_more": False,
    "next_page": None,
}


@pytest.fixture
def bill(tmp_path):
    def bill(*texts):
        made = Bill()
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.txt"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            made.add(lines_in(path), model_in)
        return made

    return bill


@pytest.mark.parametrize(
    "texts",
    [
        (COSTS, USAGE),
        (PLAIN,),
        (b"\xef\xbb\xbf" + PLAIN.encode(),),
        (PLAIN.replace(",", "\t"),),
        (PLAIN.replace(",", ";").replace("\n", "\r\n"),),
        (json.dumps(PAGE), USAGE),
        (json.dumps([PAGE]), USAGE),
    ],
    ids=["openai", "plain", "byte order mark", "tabs", "semicolons", "json", "pages"],
)
def test_every_form_says_the_same(bill, texts):
    made = bill(*texts)
    [(key, figures)] = made.figures.items()
    assert key == (FIRST, "gpt-6-luna")
    assert (figures.cost, figures.calls, figures.tokens_in, figures.tokens_out) == (38_700, 3, 30, 57)
    assert (made.days, made.has_costs, made.is_by_model) == ({FIRST, SECOND}, True, True)


def test_usage_alone_has_no_costs(bill):
    made = bill(USAGE)
    assert made.figures[FIRST, "gpt-6-luna"].cost is None
    assert not made.has_costs


def test_a_bill_by_day_alone_is_one(bill):
    made = bill(f"start_time,amount_value,amount_currency,line_item\n{START},0.5,usd,\n")
    assert (made.figures[FIRST, ""].cost, made.is_by_model) == (500_000_000, False)


def test_what_was_given_back_is_taken_off(bill):
    made = bill("date,model,cost\n2026-11-01,gpt-6-luna,2\n2026-11-01,gpt-6-luna,-0.5\n")
    assert made.figures[FIRST, "gpt-6-luna"].cost == 1_500_000_000


@pytest.mark.parametrize(
    "moment", ["2026-11-01T01:00:00+02:00", "2026-10-31", "2026-10-31T23:59:59", "20261031", str(START - 1)]
)
def test_days_are_days_of_utc(bill, moment):
    assert bill(f"date,model,cost\n{moment},gpt-6-luna,2\n").days == {date(2026, 10, 31)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "line 1: it needs the columns date, model and cost, or those of an export of OpenAI"),
        ("", "it needs the columns date, model and cost"),
        ("date,model,cost\n2026-11-01,m,1.5\n1/11/2026,m,1.5\n", "line 3: “1/11/2026” is no day"),
        ("date;model;cost\n2026-11-01;m;1,5\n", "line 2: “1,5” is no sum of dollars."),
        ("date,model,cost\n2026-11-01,m,NaN\n", "“NaN” is no sum of dollars."),
        ("date,model,cost\n2026-11-01,m,1e30\n", "“1e30” is no sum of dollars."),
        ("date,model,cost,currency\n2026-11-01,m,1,EUR\n", "line 2: It is billed in EUR: only dollars"),
        ("date,model,calls\n2026-11-01,m,-1\n", "“-1” is no number of calls or tokens."),
        ("date,model,calls\n2026-11-01,m,1.5\n", "“1.5” is no number of calls or tokens."),
        ("date,model,calls\n99999999999999999999,m,1\n", "is no day"),
        ("{", "it is no JSON."),
        ("[" * 100_000, "it is no JSON."),
        ("[1]", "This is no page of costs or usage"),
        ('{"data": [{"start_time": "x"}]}', "This is no page of costs or usage"),
        (json.dumps({"data": [{"start_time": START, "end_time": START + 7 * 86400}]}), "in steps longer than a day"),
        (json.dumps({"data": [{"start_time": START, "results": [result("1", None) | {"amount": 1}]}]}), "no page of"),
        (b"date,model,cost\n2026-11-01,\xff,1\n", "it is no text in UTF-8."),
    ],
)
def test_what_is_no_bill_is_refused(bill, text, sentence):
    with pytest.raises(UnreadableBill) as refused:
        bill(text)
    assert sentence in str(refused.value)
    assert "0.txt" in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnreadableBill, match=r"gone\.csv: No such file or directory\."):
        lines_in(tmp_path / "gone.csv")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UnreadableBill, match="Is a directory"):
        lines_in(tmp_path)

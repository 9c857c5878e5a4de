"""`reconcile_spend`, to the letter."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import Raw, StandIn, Status
from aiops.ledger.money import NANOS

KEY = "sk-admin-canary"


def day(back):
    return timezone.now().astimezone(UTC).date() - timedelta(days=back)


def logged(back, model, dollars, calls=1, **fields):
    """Calls of a day, a minute apart from its end."""
    moment = datetime.combine(day(back), time(23, 59), UTC)
    base = first_id_at(moment).int + Call.objects.count()
    Call.objects.bulk_create(
        Call(
            **{
                "id": type(first_id_at(moment))(int=base + number),
                "status": Call.Status.SUCCEEDED,
                "connection": "default",
                "model_asked": model,
                "model_answered": f"{model}-2026-09-01",
                "cost": None if dollars is None else round(dollars * NANOS),
                "input_tokens": 80,
                "cached_tokens": 20,
                "output_tokens": 10,
                "started_at": moment,
                **fields,
            }
        )
        for number in range(calls)
    )


@pytest.fixture
def month(transactional_db):
    """Three days of calls."""
    logged(2, "gpt-6-luna", 0.5, calls=2)
    logged(1, "gpt-6-luna", 0.5, calls=2)
    logged(1, "gpt-6-astra", 2)
    # What none of this is about: today, another connection, out of the cache.
    logged(0, "gpt-6-luna", 9)
    logged(1, "gpt-6-luna", 9, connection="local")
    logged(1, "gpt-6-luna", 0, reused_from=first_id_at(timezone.now()))


@pytest.fixture
def export(tmp_path):
    def export(*rows):
        path = tmp_path / "bill.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("date", "model", "cost"), *rows])
        return path

    return export


@pytest.fixture
def server(settings, transactional_db, monkeypatch):
    with StandIn(api_key="k", admin_key=KEY) as server:
        connection = {
            "BASE_URL": server.base_url,
            "API_KEY": "k",
            "MODEL": "gpt-6-luna",
            "ADMIN_KEY_VARIABLE": "SHOP_ADMIN_KEY",
        }
        settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {"default": connection}}
        monkeypatch.setenv("SHOP_ADMIN_KEY", KEY)
        yield server
        close_sync_clients()


def test_both_agree(run, month, export):
    ran = run(
        "reconcile_spend",
        export((day(2), "gpt-6-luna-2026-09-01, input", "1.00"), (day(1), "gpt-6-luna", 1), (day(1), "gpt-6-astra", 2)),
    )
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"day         model          log   bill  difference   drift\n"
        f"{day(2)}  gpt-6-luna   $1.00  $1.00       $0.00  +0.0 %\n"
        f"{day(1)}  gpt-6-astra  $2.00  $2.00       $0.00  +0.0 %\n"
        f"{day(1)}  gpt-6-luna   $1.00  $1.00       $0.00  +0.0 %\n"
        f"all days    gpt-6-astra  $2.00  $2.00       $0.00  +0.0 %\n"
        f"all days    gpt-6-luna   $2.00  $2.00       $0.00  +0.0 %\n"
        f"all days    all models   $4.00  $4.00       $0.00  +0.0 %\n"
        f"{day(2)} to {day(1)}: the log has $4.00, the bill $4.00; drift +0.0 %. Nothing is off by more than 2 %.\n"
    )


def test_what_differs_is_named_and_ends_with_1(run, month, export):
    logged(1, "gpt-6-astra", None, calls=3)
    bill = export(
        (day(1), "gpt-6-luna", "1.25"), (day(1), "evals | gpt-6-luna", "0.75"), (day(1), "gpt-6-sol", "0.001")
    )
    ran = run("reconcile_spend", bill)
    assert (ran.code, ran.stderr) == (1, "CommandError: The log and the bill disagree.\n")
    assert ran.stdout == (
        "day         model                 log     bill  difference     drift\n"
        f"{day(1)}  evals | gpt-6-luna      –    $0.75      -$0.75  -100.0 %  ! not in the log\n"
        f"{day(1)}  gpt-6-astra         $2.00        –      +$2.00         –  ! not in the bill 3 unknown\n"
        f"{day(1)}  gpt-6-luna          $1.00    $1.25      -$0.25   -20.0 %  !\n"
        f"{day(1)}  gpt-6-sol               –  $0.0010    -$0.0010  -100.0 %  not in the log\n"
        "all days    all models          $3.00    $2.00      +$1.00   +49.9 %  ! 3 unknown\n"
        f"{day(1)} to {day(1)}: the log has $3.00, the bill $2.00; drift +49.9 %. "
        "$0.75 are billed for what the log does not know. $2.00 are logged for what the bill does not list. "
        "3 calls in the log are of unknown cost. 3 days and models are off by more than 2 %.\n"
    )


def test_calls_of_which_no_cost_is_known_cost_unknown(run, transactional_db, export):
    logged(1, "house", None, calls=2)
    ran = run("reconcile_spend", export((day(1), "house", 0)))
    assert f"{day(1)}  house       unknown  $0.00       $0.00      –  2 unknown\n" in ran.stdout
    assert "the log has unknown, the bill $0.00; drift –. 2 calls in the log are of unknown cost." in ran.stdout
    told = json.loads(run("reconcile_spend", export((day(1), "house", 0)), "--json").stdout)
    assert told["lines"][0]["logged"]["cost"] is None


def test_the_limit_decides(run, month, export):
    bill = export((day(2), "gpt-6-luna", "1.05"))
    assert run("reconcile_spend", bill).code == 1
    assert run("reconcile_spend", bill, "--limit", "5").code == 0
    assert run("reconcile_spend", bill, "--least", "0.06").code == 0


def test_days_that_are_named(run, month, export):
    bill = export((day(2), "gpt-6-luna", 1), (day(1), "gpt-6-luna", 1))
    assert run("reconcile_spend", bill, "--until", day(2)).code == 0
    ran = run("reconcile_spend", bill, "--since", "3d", "--until", "1d", "--json")
    told = json.loads(ran.stdout)
    assert (told["since"], told["until"]) == (str(day(3)), str(day(1)))
    assert [line["model"] for line in told["lines"] if line["off"]] == ["gpt-6-astra"]


def test_several_connections_that_are_billed_together(run, month, export):
    bill = export((day(1), "gpt-6-luna", 10))
    told = run("reconcile_spend", bill, "--connection", "default", "--connection", "local", "--json").stdout
    assert json.loads(told)["models"][0]["difference"] == 0


def test_a_model_that_the_provider_calls_otherwise(run, month, export):
    bill = export((day(2), "luna-eu", 1))
    assert run("reconcile_spend", bill).code == 1
    assert run("reconcile_spend", bill, "--same-as", "luna-eu=gpt-6-luna").code == 0


def test_as_json(run, month, export):
    told = json.loads(run("reconcile_spend", export((day(2), "gpt-6-luna", 1)), "--json").stdout)
    line = {
        "day": str(day(2)),
        "model": "gpt-6-luna",
        "side": "both",
        "logged": {"calls": 2, "cost": NANOS, "unknown": 0, "tokens_in": 200, "tokens_out": 20},
        "billed": {"calls": None, "cost": NANOS, "unknown": 0, "tokens_in": None, "tokens_out": None},
        "difference": 0,
        "drift_percent": 0.0,
        "off": False,
    }
    assert told == {
        "since": str(day(2)),
        "until": str(day(2)),
        "compared": "cost",
        "limit_percent": 2.0,
        "alarm": False,
        "only_billed": 0,
        "only_logged": 0,
        "total": {**line, "day": None, "model": None},
        "models": [{**line, "day": None}],
        "lines": [line],
    }


def test_as_csv(run, month, export):
    ran = run("reconcile_spend", export((day(2), "gpt-6-luna", 1), (day(2), "=1+1", "0.5")), "--csv")
    head, formula, luna = csv.reader(io.StringIO(ran.stdout))
    assert dict(zip(head, luna, strict=True)) == {
        "day": str(day(2)),
        "model": "gpt-6-luna",
        "side": "both",
        "logged_calls": "2",
        "logged_cost": "1.000000000",
        "logged_unknown": "0",
        "logged_tokens_in": "200",
        "logged_tokens_out": "20",
        "billed_calls": "",
        "billed_cost": "1.000000000",
        "billed_tokens_in": "",
        "billed_tokens_out": "",
        "difference": "0.000000000",
        "drift_percent": "0.0",
        "off": "0",
    }
    assert (ran.code, formula[1]) == (1, "'=1+1")


def test_payers_are_told(run, month, export, settings, mailoutbox):
    settings.AIOPS = settings.AIOPS | {"BUDGET_MAIL": ["payer@example.com"]}
    run("reconcile_spend", export((day(2), "gpt-6-luna", 1)), "--tell")
    assert mailoutbox == []
    run("reconcile_spend", export((day(2), "gpt-6-luna", 3)), "--tell")
    [mail] = mailoutbox
    assert (mail.subject, mail.to) == ("The log and the provider's bill disagree", ["payer@example.com"])
    assert "the log has $1.00, the bill $3.00; drift -66.7 %." in mail.body


def test_the_provider_is_asked_page_by_page(run, server):
    for back in range(1, 41):
        logged(back, "gpt-6-luna", 0.25)
        server.books.bill(day(back), "gpt-6-luna-2026-09-01, input", 0.15)
        server.books.bill(day(back), "gpt-6-luna-2026-09-01, output", "0.1000000000000000000")
        server.books.use(day(back), "gpt-6-luna-2026-09-01", requests=1, tokens_in=100, tokens_out=10)
    server.books.bill(day(41), "gpt-6-luna, input", 9)
    server.books.bill(day(0), "gpt-6-luna, input", 9)
    server.books.use(day(3), "text-embedding-3-small", requests=7, tokens_in=700)
    ran = run("reconcile_spend", "--since", "40d", "--json")
    told = json.loads(ran.stdout)
    assert (ran.code, told["total"]["difference"]) == (0, 0)
    assert told["models"][0]["billed"] == {
        "calls": 40,
        "cost": 10 * NANOS,
        "unknown": 0,
        "tokens_in": 4000,
        "tokens_out": 400,
    }
    # Used, and billed at nothing: shown, and no alarm.
    assert told["models"][1]["model"] == "text-embedding-3-small"
    paths = [request.path.removeprefix("/v1/organization/") for request in server.requests]
    assert paths == ["costs", *["usage/completions"] * 2, *["usage/embeddings"] * 2]
    assert Call.objects.count() == 40


def test_without_a_word_it_is_the_week_before_today(run, server):
    logged(8, "gpt-6-luna", 9)
    logged(0, "gpt-6-luna", 9)
    told = json.loads(run("reconcile_spend", "--json").stdout)
    assert (told["since"], told["until"], told["lines"]) == (str(day(7)), str(day(1)), [])


@pytest.mark.parametrize(
    "reply", [Status(500), Raw(b"<html>"), Raw(b'{"data": [7]}'), Raw(b'{"data":[],"has_more":true}')]
)
def test_a_provider_that_tells_no_bill_is_no_agreement(run, server, reply):
    server.when(lambda request: request.path.endswith("/costs"), reply)
    ran = run("reconcile_spend")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CommandError: ")


def test_the_admin_key_is_told_to_nobody(run, server, monkeypatch, caplog):
    said_back = f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    server.when(lambda request: "organization" in request.path, Raw(said_back, status=401))
    ran = run("reconcile_spend")
    assert (ran.code, server.requests[0].headers["Authorization"]) == (2, f"Bearer {KEY}")
    assert "Incorrect API key provided: ***" in ran.stderr
    assert KEY not in ran.stderr + ran.stdout + caplog.text


def test_without_an_admin_key_the_remedy_is_named(run, server, settings, monkeypatch):
    monkeypatch.delenv("SHOP_ADMIN_KEY")
    ran = run("reconcile_spend")
    assert (ran.code, server.requests) == (2, [])
    assert "set SHOP_ADMIN_KEY in the environment, or give a file that the provider has exported." in ran.stderr
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "ADMIN_KEY_VARIABLE": ""}
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {"default": default}}
    assert "name in AIOPS['CONNECTIONS']['default']['ADMIN_KEY_VARIABLE']" in run("reconcile_spend").stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.csv"], "gone.csv: No such file or directory."),
        (["--since", "1d", "--until", "9d"], "is after the last"),
        (["--since", "2020-01-01"], "These are more than 400 days: name fewer."),
        (["--since", "yesterday"], "yesterday is no day: write 2026-11-01, or 7d for seven days ago"),
        (["--limit", "-1"], "-1 is no percentage from 0 to 1000"),
        (["--least", "0"], "0 is no sum of dollars above zero"),
        (["--same-as", "luna"], "luna names no two models: write THEIRS=OURS"),
        (["--connection", "azur"], "There is no connection 'azur': use one of default"),
        (["--json", "--csv"], "not allowed with"),
    ],
)
def test_what_cannot_be_done_is_refused(run, server, arguments, sentence):
    ran = run("reconcile_spend", *arguments)
    assert (ran.code, ran.stdout, server.requests) == (2, "", [])
    assert sentence in ran.stderr


def test_a_day_is_one_query_by_the_key(run, month, export, django_assert_num_queries):
    with django_assert_num_queries(30) as queries:
        run("reconcile_spend", export((day(2), "gpt-6-luna", 1)), "--since", "30d", "--until", "1d")
    assert all("GROUP BY" in query["sql"] and '"aiops_call"."id" >=' in query["sql"] for query in queries)

"""`check_connections`, to the letter, against the stand-in provider; how long it took is told apart."""

import json
import re

import pytest

from aiops.calls.models import Call
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import Html, StandIn, Status
from aiops.ledger.models import BudgetPeriod
from aiops.stops.switch import stop_all

pytestmark = pytest.mark.usefixtures("budget")


@pytest.fixture
def only(settings, provider):
    """Leaves the one connection, with these options beside its own."""

    def change(**options):
        default = {**settings.AIOPS["CONNECTIONS"]["default"], **options}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}

    change()
    yield change
    close_sync_clients()


def told(ran):
    """What was printed, without what differs each time."""
    return re.sub(r"127\.0\.0\.1:\d+", "HERE", re.sub(r"[\d,]+ ms", "N ms", ran.stdout))


ALL = """\
default: this machine, gpt-6-luna (http://HERE/v1, chat)
  reachable    yes · N ms
  key          valid
  models       1; gpt-6-luna is there
  answer       yes · N ms · $0.0000075
  stream       yes · N ms · $0.0000075
  JSON schema  yes · N ms · $0.0000045
  logprobs     yes · N ms · $0.0000075
  embeddings   yes · N ms · $0.000000040
  decisions    yes, though SUPPORTS_DECISIONS is off · N ms · $0.0000016
  responses    yes · N ms · $0.0000075
  batches      yes, though SUPPORTS_BATCH is off · N ms
"""


def test_a_connection_that_can_do_everything(run, only):
    ran = run("check_connections")
    assert (ran.code, ran.stderr) == (0, "")
    assert re.sub(r"\$[\d.]+", "$", told(ran)) == re.sub(r"\$[\d.]+", "$", ALL)
    calls = Call.objects.all()
    assert {call.purpose for call in calls} == {"check_connections"}
    assert {str(call.status) for call in calls} == {"succeeded"}
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, sum(call.cost for call in calls))


def test_over_responses_it_is_chat_that_is_asked_about(run, only, provider):
    only(API="responses", SUPPORTS_DECISIONS=True)
    ran = run("check_connections", "default", "--json")
    assert ran.code == 0
    [report] = json.loads(ran.stdout)
    assert (report["connection"], report["api"], report["well"]) == ("default", "responses", True)
    assert [(one["what"], one["state"]) for one in report["findings"]] == [
        (what, "yes")
        for what in (
            "reachable",
            "key",
            "models",
            "answer",
            "stream",
            "JSON schema",
            "logprobs",
            "embeddings",
            "decisions",
            "chat",
            "batches",
        )
    ]
    assert "stand-in" not in ran.stdout.replace("127.0.0.1", ""), "the key is not told"


def test_no_question_asks_nothing_of_a_model(run, only, provider):
    ran = run("check_connections", "--no-question")
    assert (ran.code, ran.stderr) == (0, "")
    assert told(ran) == "".join(ALL.splitlines(keepends=True)[:4])
    assert [request.path for request in provider.requests] == ["/v1/models"]
    assert not Call.objects.exists()


def test_what_a_server_cannot_do_though_the_settings_say_so(run, only, provider):
    refused = Status(400, message="Unknown parameter.")
    provider.when(lambda request: "response_format" in (request.body or {}), refused)
    provider.when(lambda request: request.path.endswith(("/embeddings", "/responses", "/decisions")), Status(404))
    ran = run("check_connections")
    assert ran.code == 1
    assert ran.stderr == "CommandError: default does not work as the settings say.\n"
    lines = {line[2:14].strip(): line for line in told(ran).splitlines()}
    assert lines["JSON schema"].startswith("! JSON schema  no, though SUPPORTS_JSON_SCHEMA is on: ")
    assert "Unknown parameter." in lines["JSON schema"]
    for what in ("embeddings", "responses", "decisions"):
        assert lines[what] == f"  {what:<12} no", "no option says that it can"


def test_what_the_settings_say_that_it_cannot_is_asked_all_the_same(run, only, provider):
    only(SUPPORTS_JSON_SCHEMA=False, SUPPORTS_LOGPROBS=False)
    ran = run("check_connections")
    assert ran.code == 0
    assert "  JSON schema  yes, though SUPPORTS_JSON_SCHEMA is off · N ms" in told(ran)
    assert "  logprobs     yes, though SUPPORTS_LOGPROBS is off · N ms" in told(ran)


@pytest.mark.parametrize("reply", [Status(404), Status(405), Html()])
def test_a_server_without_batches(run, only, provider, reply):
    provider.when(lambda request: request.path.endswith("/batches"), reply)
    assert "  batches      no · N ms\n" in told(run("check_connections"))
    only(SUPPORTS_BATCH=True)
    ran = run("check_connections")
    assert (ran.code, "! batches      no, though SUPPORTS_BATCH is on · N ms\n" in told(ran)) == (1, True)


def test_a_server_that_does_not_say_whether_it_has_batches(run, only, provider):
    provider.when(lambda request: request.path.endswith("/batches"), Status(500))
    ran = run("check_connections")
    assert (ran.code, "  batches      The provider failed (status 500)" in told(ran)) == (0, True)


def test_a_server_that_does_not_answer(run, only, provider):
    provider.stop()
    ran = run("check_connections")
    assert ran.code == 1
    assert told(ran).splitlines()[1:] == [
        "! reachable    The provider cannot be reached; check its address and that it is running. · N ms"
    ]
    assert not Call.objects.exists()


def test_a_key_that_is_wrong(run, only, settings):
    with StandIn(api_key="the-right-one") as strict:
        only(BASE_URL=strict.base_url, API_KEY="the-wrong-one")
        ran = run("check_connections")
        assert ran.code == 1
        assert [line[:14] for line in ran.stdout.splitlines()[1:]] == ["  reachable   ", "! key         "]
        assert "the-wrong-one" not in ran.stdout + ran.stderr
        assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"BASE_URL": "https://api.openai.com/v1", "API_KEY": ""}, "OPENAI_API_KEY"),
        ({"AZURE_ENDPOINT": "https://shop.openai.azure.com", "BASE_URL": "", "API_KEY": ""}, "AZURE_OPENAI_API_KEY"),
    ],
)
def test_a_missing_key_is_named_by_its_variable(run, only, options, variable):
    only(**options)
    ran = run("check_connections")
    assert ran.code == 1
    assert f"! key          The connection 'default' has no key: set {variable} in the environment" in ran.stdout


def test_a_model_that_is_not_there_or_has_ended(run, settings, only):
    with StandIn(models={"gpt-6-luna": "2026-01-14", "gpt-6-sol": "2199-01-14"}) as other:
        for model, line in (
            ("gpt-6-luna", "! models       2; gpt-6-luna is there until 2026-01-14"),
            ("gpt-6-sol", "  models       2; gpt-6-sol is there until 2199-01-14"),
            ("gpt-7", "  models       2; gpt-7 is not among them"),
        ):
            only(BASE_URL=other.base_url, MODEL=model)
            assert line in run("check_connections", "--no-question").stdout.splitlines()


def test_a_model_without_a_price_is_not_asked(run, only):
    only(MODEL="our-own")
    ran = run("check_connections")
    assert ran.code == 1
    assert "! answer       not asked: Nobody knows what “our-own” costs on “default”" in ran.stdout


def test_an_unknown_alias_is_refused_before_anything_is_asked(run, only, provider):
    ran = run("check_connections", "defualt")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CommandError: There is no connection 'defualt'")
    assert provider.requests == []


def test_while_every_call_is_stopped_nothing_is_asked(run, only, provider):
    stop_all(None, "a drill")
    ran = run("check_connections")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CommandError: Every call was stopped on ")
    assert provider.requests == []

"""`run_prompt`: what it prints, where, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from aiops.calls.models import Call
from aiops.gateway.testing import Hang, Length, Status
from aiops.ledger.models import Hold

ANSWER = {"category": "card", "priority": "low", "language": "en", "confidence": 0.9, "reason": "Asks for a card."}
CARD = ("--var", "text=Where is my card?")

pytestmark = pytest.mark.usefixtures("provider")


@pytest.fixture
def stdin(monkeypatch):
    def stdin(data: bytes):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return stdin


def test_the_answer_goes_to_stdout_and_what_it_took_to_stderr(run, triage, provider):
    provider.reply_with(ANSWER)
    ran = run("run_prompt", "triage-ticket", *CARD)
    call = Call.objects.get()
    assert ran.code == 0
    assert ran.stdout == (
        "{\n"
        '  "category": "card",\n'
        '  "priority": "low",\n'
        '  "language": "en",\n'
        '  "confidence": 0.9,\n'
        '  "reason": "Asks for a card."\n'
        "}\n"
    )
    assert ran.stderr == f"38 tokens in, 27 out · $0.000017 · {call.total_ms} ms · call {call.pk}\n"
    assert call.prompt_version == triage
    assert provider.requests[0].messages[-1]["content"] == "Customer's question:\nWhere is my card?"


def test_an_answer_without_a_schema_is_printed_as_it_came(run, greeting, provider):
    provider.reply_with("Good day, Ada!\nHow are you?")
    assert run("run_prompt", "greet", "--var", "name=Ada").stdout == "Good day, Ada!\nHow are you?\n"
    assert provider.requests[0].text == "You greet people.\n\nI am Ada."


def test_json_is_one_object_with_all_that_is_known(run, triage, provider):
    provider.reply_with(ANSWER)
    ran = run("run_prompt", "triage-ticket@1", *CARD, "--json")
    call = Call.objects.get()
    assert (ran.code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == {
        "call": str(call.pk),
        "status": "succeeded",
        "version": "triage-ticket v1",
        "model": "gpt-6-luna",
        "text": json.dumps(ANSWER),
        "data": ANSWER,
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "cost": call.cost,
        "total_ms": call.total_ms,
        "attempts": 1,
        "error_kind": "",
        "error_text": "",
    }


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(run, greeting, provider):
    ran = run("run_prompt", "greet", "--var", "name=Ada", "--var", "mood=warmly", "--dry-run")
    assert ran.code == 0
    assert ran.stdout == (
        "--- system\n"
        "You greet people, warmly.\n"
        "\n"
        "--- user\n"
        "I am Ada.\n"
        "\n"
        "gpt-6-luna over default (this machine)\n"
        "about 21 tokens in, at most 50 out\n"
        "at most $0.000035 an attempt\n"
        "Nothing was sent (dry run).\n"
    )
    assert provider.requests == []
    assert not Call.objects.exists()


def test_a_dry_run_as_json(run, greeting, provider):
    ran = run("run_prompt", "greet", "--var", "name=Ada", "--dry-run", "--json", "--language-model", "gpt-5-mini")
    assert json.loads(ran.stdout) == {
        "version": "greet v1",
        "connection": "default",
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": "You greet people."},
            {"role": "user", "content": "I am Ada."},
        ],
        "tokens_in": 19,
        "output_limit": 50,
        "most_cost": 118_500,
    }
    assert provider.requests == []


def test_the_most_that_a_dry_run_names_is_what_the_call_holds(run, triage):
    most = json.loads(run("run_prompt", "triage-ticket", *CARD, "--dry-run", "--json").stdout)["most_cost"]
    run("run_prompt", "triage-ticket", *CARD)
    assert Hold.objects.get().amount == most


def test_a_free_connection_is_said_to_be_free(run, greeting):
    ran = run("run_prompt", "greet", "--var", "name=Ada", "--connection", "local", "--dry-run")
    assert ran.stdout.endswith(
        "smollm2-135m-instruct over local (this machine)\n"
        "about 32 tokens in, at most 50 out\n"
        "free\n"
        "Nothing was sent (dry run).\n"
    )


def test_another_model_is_asked_by_either_name_of_the_option(run, greeting, provider):
    for option in ("--model", "--language-model"):
        assert run("run_prompt", "greet", "--var", "name=Ada", option, "gpt-5-mini").code == 0
    assert [request.model for request in provider.requests] == ["gpt-5-mini", "gpt-5-mini"]


def test_variables_come_from_a_file_and_pairs_go_over_them(run, greeting, provider, tmp_path):
    file = tmp_path / "ada.json"
    file.write_text('\ufeff{"name": "Ada", "mood": "coldly", "born": 1815}', encoding="utf-8")
    assert run("run_prompt", "greet", "--vars", file, "--var", "mood=with a = sign").code == 0
    assert provider.requests[0].text == "You greet people, with a = sign.\n\nI am Ada."


def test_variables_come_from_stdin(run, greeting, provider, stdin):
    stdin('{"name": "Åda"}'.encode())
    assert run("run_prompt", "greet", "--vars", "-").code == 0
    assert provider.requests[0].text == "You greet people.\n\nI am Åda."


def test_a_label_of_the_shop_is_found(run, greeting, provider):
    later = greeting.prompt.add_version(messages=[{"role": "user", "content": "Bow to {{ name }}."}])
    later.set_label("staging")
    run("run_prompt", "greet@staging", "--var", "name=Ada")
    run("run_prompt", "greet", "--var", "name=Ada")
    assert [request.messages[-1]["content"] for request in provider.requests] == ["Bow to Ada.", "I am Ada."]


def test_a_call_that_the_provider_refuses_is_exit_code_1(run, greeting, provider):
    provider.reply_with(Status(400, message="no such thing"))
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    call = Call.objects.get()
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr == f"CommandError: bad_request: {call.error_text} (call {call.pk})\n"
    assert "no such thing" in call.error_text


def test_an_answer_that_was_cut_off_is_paid_for_and_not_printed(run, greeting, provider):
    provider.reply_with(Length("Good d"))
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    call = Call.objects.get()
    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"19 tokens in, 2 out · $0.0000029 · {call.total_ms} ms · call {call.pk}\n"
        f"CommandError: cut_off: {call.error_text} (call {call.pk})\n"
    )


def test_an_answer_that_breaks_its_schema_is_kept_raw_in_json(run, triage, provider):
    provider.reply_with(ANSWER | {"category": "billing"})
    ran = run("run_prompt", "triage-ticket", *CARD, "--json")
    found = json.loads(ran.stdout)
    assert ran.code == 1
    assert (found["status"], found["error_kind"], found["data"]) == ("failed", "schema", None)
    assert json.loads(found["text"])["category"] == "billing"
    assert "billing" in ran.stderr and ran.stderr.count("\n") == 1


def test_a_provider_that_is_down_is_found_before_anything_is_written(run, greeting, provider):
    address = provider.base_url.removeprefix("http://").removesuffix("/v1")
    provider.stop()
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    assert ran.code == 2
    assert ran.stderr == (
        f"CommandError: Nobody answers at {address}, the address of the connection 'default': "
        "see that the server runs, or choose another connection.\n"
    )
    assert not Call.objects.exists()
    assert not Hold.objects.exists()


def test_a_call_that_fails_is_exit_code_1_and_the_log_says_so(run, greeting, provider):
    provider.reply_with(Status(400))
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    call = Call.objects.get()
    assert ran.code == 1
    assert ran.stderr.startswith("CommandError: bad_request: The provider refuses the request (status 400).")
    assert ran.stderr.endswith(f"(call {call.pk})\n")
    assert (call.status, call.cost) == ("failed", 0)
    assert Hold.objects.get().state == "released"


def test_help_has_examples_on_lines_of_their_own(run):
    ran = run("run_prompt", "--help")
    assert ran.code == 0
    assert '\n  manage.py run_prompt triage-ticket --var text="Where is my card?"\n' in ran.stdout
    assert "\n  2  refused: nothing was sent, nothing was spent\n" in ran.stdout


STEERING = "Good\x1b[2J day\x9b31m,\r\nAda\t!\x07"


def test_an_answer_does_not_steer_a_terminal(greeting, provider):
    provider.reply_with(STEERING)
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        call_command("run_prompt", "greet", "--var", "name=Ada", stdout=terminal, stderr=io.StringIO())
        shown = os.read(reader, 65536).decode()
    os.close(reader)
    # The terminal itself makes a carriage return and a line feed of each end of a line.
    assert shown == "Good\ufffd[2J day\ufffd31m,\r\nAda\t!\ufffd\r\n"


def test_a_pipe_gets_an_answer_as_it_came(run, greeting, provider):
    provider.reply_with(STEERING)
    assert run("run_prompt", "greet", "--var", "name=Ada").stdout == STEERING + "\n"


def test_ctrl_c_while_it_is_asked_says_that_it_may_be_billed(run, greeting, provider):
    provider.reply_with(Hang())
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    assert (ran.code, ran.stdout) == (130, "")
    assert ran.stderr == (
        "CommandError: Interrupted: if the request had left, it may be billed, and its call is marked unknown.\n"
    )
    # It may have been answered: it is charged at what was held for it.
    assert (Call.objects.get().status, Hold.objects.get().state) == ("unknown", "settled")


def test_inside_a_transaction_nothing_is_asked(greeting, provider):
    with transaction.atomic(), pytest.raises(CommandError) as refused:
        call_command("run_prompt", "greet", "--var", "name=Ada")
    assert refused.value.returncode == 2
    assert str(refused.value).startswith("A call may not be made inside a transaction")
    assert provider.requests == []

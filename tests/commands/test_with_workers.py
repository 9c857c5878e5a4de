"""The whole of it: `manage.py` as processes, workers of django-q2, a database on disk, a provider on a socket."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aiops.gateway.testing import StandIn, Status

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stand_in():
    """A provider for the time of this file."""
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def manage(stand_in, tmp_path_factory):
    """Run `manage.py` on a site of its own."""
    home = tmp_path_factory.mktemp("site")
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": str(home / "no.env"),
        "VAR_DIR": str(home),
        "DATABASE_URL": f"sqlite:///{home / 'db.sqlite3'}",
        "DEBUG": "1",
        "QUEUE_WORKERS": "1",
        "OPENAI_BASE_URL": stand_in.base_url,
        "OPENAI_API_KEY": "stand-in",
        "PYTHONWARNINGS": "ignore",
    }

    def manage(*args: str, wait: bool = True, stdin: str = "", **changes: str):
        command, env = [sys.executable, "manage.py", *args], environment | changes
        if wait:
            return subprocess.run(
                command, env=env, cwd=ROOT, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=120
            )
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=env, cwd=ROOT, start_new_session=True, stdout=pipe, stderr=pipe, encoding="utf-8"
        )

    for args in (
        ("migrate", "--verbosity", "0"),
        ("load_prompts", "fixtures"),
        ("load_tickets", "fixtures/tickets.csv", "--limit", "40"),
    ):
        done = manage(*args)
        assert done.returncode == 0, done.stderr
    return manage


@pytest.fixture
def cluster(manage):
    """The workers; asked to stop, and killed where they do not."""
    workers = manage("qcluster", wait=False)
    # They have much to say, and would stand still at a pipe that is full.
    readers = [threading.Thread(target=stream.read) for stream in (workers.stdout, workers.stderr)]
    for reader in readers:
        reader.start()
    yield workers
    workers.send_signal(signal.SIGINT)
    try:
        workers.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(workers.pid, signal.SIGKILL)
        workers.wait()
    for reader in readers:
        reader.join(10)
    workers.stdout.close()
    workers.stderr.close()


def test_a_job_is_started_followed_and_told_by_processes_of_their_own(manage, cluster, stand_in):
    stand_in.reset()
    stand_in.when(lambda request: "How long will it take to get to the US?" in request.text, Status(400), times=1)
    rows = ("--model", "helpdesk.Ticket", "--limit", "40")
    ran = manage("run_job", "triage-ticket", *rows, "--follow")
    assert ran.returncode == 1, ran.stderr
    job = re.match(r"Job (\d+) is finished: triage-ticket v1 on 40 rows of helpdesk\.Ticket, ", ran.stdout)[1]
    assert ran.stdout.splitlines()[1:3] == ["40 rows: 39 succeeded, 1 failed", "  1 bad_request"]
    assert ran.stderr.endswith(
        f"CommandError: 1 row failed; try again with: manage.py job_status {job} --retry-failed\n"
    )
    assert "Traceback" not in ran.stderr

    again = manage("job_status", job, "--retry-failed", "--follow", "--json")
    found = json.loads(again.stdout)
    assert again.returncode == 0
    assert (found["status"], found["counts"]["succeeded"], found["errors"]) == ("finished", 40, {})
    # What the log adds up to is what the provider itself has counted.
    assert (found["tokens_in"], found["tokens_out"]) == (
        stand_in.totals.prompt_tokens,
        stand_in.totals.completion_tokens,
    )
    assert len(stand_in.requests) == 41
    # What went well leaves no row in the queue's own tables.
    left = manage(
        "shell", "--verbosity", "0", "--command", "from django_q.models import Task; print(Task.objects.count())"
    )
    assert left.stdout == "0\n"


def test_a_prompt_is_asked_by_a_process_of_its_own(manage, stand_in):
    stand_in.reset()
    ran = manage("run_prompt", "triage-ticket", "--vars", "-", "--json", stdin='{"text": "Where is my card?"}')
    assert ran.returncode == 0, ran.stderr
    assert {"category", "priority", "language"} <= json.loads(ran.stdout)["data"].keys()
    assert len(stand_in.requests) == 1


def test_ctrl_c_at_a_shell_leaves_the_job_alone(manage):
    watching = manage("run_job", "triage-ticket", "--model", "helpdesk.Ticket", "--limit", "3", "--follow", wait=False)
    # Wait until it says how far the job is.
    while "0 of 3 rows" not in (line := watching.stderr.readline()):
        assert line, "it ended before it began to watch"
    time.sleep(0.2)
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out) == (130, "")
    job = re.search(r"The job goes on\. Watch it again with: manage\.py job_status (\d+) --follow", err)[1]
    stopped = manage("job_status", job, "--stop", "--json")
    assert json.loads(stopped.stdout)["status"] == "stopped"


@pytest.mark.parametrize(
    "command",
    [("run_prompt", "triage-ticket"), ("run_job", "triage-ticket", "--source", "none.csv"), ("job_status", "99")],
)
def test_a_refusal_at_a_shell_is_one_sentence_and_exit_code_2(manage, stand_in, command):
    stand_in.reset()
    ran = manage(*command)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CommandError: ") and ran.stderr.count("\n") == 1
    assert stand_in.requests == []


def test_a_missing_key_at_a_shell_is_a_sentence_and_no_page_of_checks(manage):
    keyless = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "AZURE_OPENAI_ENDPOINT": "https://shop.openai.azure.com"}
    ran = manage("run_prompt", "triage-ticket", "--var", "text=Hi", **keyless)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "CommandError: The connection 'default' has no key: set AZURE_OPENAI_API_KEY in the environment.\n"
    )

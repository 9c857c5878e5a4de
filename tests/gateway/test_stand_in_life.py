"""The stand-in starts, ends and leaves nothing: as a thread, as a process, and as the fixture of a user's own tests."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from openai import OpenAI

from aiops.gateway.testing import Drip, Hang, StandIn

ROOT = Path(__file__).parents[2]


def ask(client, **more):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}], **more)


def open_files():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_it_listens_on_loopback_only():
    with StandIn() as provider:
        port = int(provider.base_url.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=1):
            pass
        assert provider.base_url == f"http://127.0.0.1:{port}/v1"


def test_nothing_is_left_when_it_has_stopped():
    threads, files = threading.active_count(), open_files()
    for _ in range(3):
        with StandIn() as provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
            ask(client)
    assert threading.active_count() == threads
    assert open_files() <= files


@pytest.mark.parametrize("reply", [Hang(), Hang(after_headers=True), Drip(1.0)])
def test_it_stops_at_once_whatever_hangs(reply):
    provider = StandIn().start()
    provider.when(lambda request: True, reply)
    errors = []

    def wait_for_an_answer():
        with OpenAI(base_url=provider.base_url, api_key="k", max_retries=0, timeout=30) as client:
            try:
                ask(client)
            except (openai.APIConnectionError, httpx2.TransportError) as error:
                errors.append(error)

    waiting = [threading.Thread(target=wait_for_an_answer) for _ in range(5)]
    for thread in waiting:
        thread.start()
    deadline = time.monotonic() + 10
    while provider.totals.in_flight < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    began = time.monotonic()
    provider.stop()
    took = time.monotonic() - began
    for thread in waiting:
        thread.join(timeout=10)
    assert took < 2
    assert len(errors) == 5
    assert provider.totals.in_flight == 0


def test_it_can_be_started_again_and_remembers():
    provider = StandIn()
    for _ in range(2):
        with provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
            ask(client)
    assert provider.totals.answers == len(provider.requests) == 2


def test_its_address_is_asked_for_too_early_or_it_is_started_twice():
    provider = StandIn()
    with pytest.raises(RuntimeError, match="is not running"):
        _ = provider.base_url
    with provider, pytest.raises(RuntimeError, match="running already"):
        provider.start()
    provider.stop()


def test_a_taken_port_is_told():
    with StandIn() as provider:
        port = int(provider.base_url.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(OSError, match="in use"):
            StandIn(port=port).start()


@pytest.fixture
def process():
    """Starts `python -m aiops.gateway.testing` in an environment that knows no Django settings."""
    started = []
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}

    def start(*arguments):
        running = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "aiops.gateway.testing", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_prints_its_address_counts_and_ends_when_told(process, ending):
    running = process("--seed", "7", "--api-key", "right", "--model", "gpt-x")
    base_url = running.stdout.readline().strip()
    with OpenAI(base_url=base_url, api_key="right", max_retries=0) as client:
        answer = ask(client)
    counted = httpx2.get(base_url.replace("/v1", "/stand-in/totals")).json()
    assert answer.model == "gpt-x"
    assert counted["requests"] == counted["answers"] == 1
    assert counted["prompt_tokens"] == answer.usage.prompt_tokens
    assert counted["completion_tokens"] == answer.usage.completion_tokens
    with StandIn(seed=7) as provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
        assert ask(client).choices[0].message.content == answer.choices[0].message.content
    httpx2.post(base_url.replace("/v1", "/stand-in/reset"))
    assert httpx2.get(base_url.replace("/v1", "/stand-in/totals")).json()["requests"] == 0
    running.send_signal(ending)
    out, err = running.communicate(timeout=5)
    assert (running.returncode, out, err) == (0, "", "")


def test_as_a_process_it_waits_and_fails_as_told(process):
    base_url = process("--latency", "0.4", "--faults", "1").stdout.readline().strip()
    with OpenAI(base_url=base_url, api_key="k", max_retries=0) as client:
        began = time.monotonic()
        with pytest.raises(openai.OpenAIError):  # noqa: PT012 - which fault comes first is the seed's business
            for _ in range(3):
                ask(client)
        assert time.monotonic() - began >= 0.4


def test_as_a_process_it_holds_a_limit(process):
    base_url = process("--requests-per-minute", "1", "--tokens-per-minute", "1000").stdout.readline().strip()
    with OpenAI(base_url=base_url, api_key="k", max_retries=0) as client:
        ask(client)
        with pytest.raises(openai.RateLimitError):
            ask(client)


def test_as_a_process_it_says_which_port_is_taken(process):
    with StandIn() as provider:
        port = provider.base_url.rsplit(":", 1)[1].partition("/")[0]
        running = process("--port", port)
        out, err = running.communicate(timeout=10)
    assert (running.returncode, out) == (2, "")
    assert err == f"Port {port} cannot be used (Address already in use). Take another, or 0 for a free one.\n"


@pytest.mark.parametrize("given", [("--faults", "3"), ("--faults", "x"), ("--port", "many")])
def test_as_a_process_it_refuses_what_makes_no_sense(process, given):
    running = process(*given)
    out, err = running.communicate(timeout=10)
    assert (running.returncode, out) == (2, "")
    assert given[0] in err


def test_serving_needs_neither_django_nor_pytest():
    code = "import sys, aiops.gateway.testing; print(sorted({'django', 'pytest'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_client_that_connects_while_it_stops_leaves_no_socket_behind():
    def connect(port, connections):
        while True:
            try:
                connections.append(socket.create_connection(("127.0.0.1", port), timeout=5))
            except OSError:
                return

    for _ in range(30):
        connections = []
        stand_in = StandIn().start()
        client = threading.Thread(target=connect, args=(urlsplit(stand_in.base_url).port, connections))
        client.start()
        time.sleep(0.002)
        stand_in.stop()
        client.join()
        for connection in connections:
            connection.close()
    # A socket that nobody has closed complains now, which is an error here.
    gc.collect()


USERS_TEST = """
from django.conf import settings
from openai import OpenAI
from aiops.gateway.testing import Refusal


def test_the_default_connection_leads_to_it(provider):
    assert settings.AIOPS["CONNECTIONS"] == {
        "default": {
            "BASE_URL": provider.base_url, "API_KEY": "stand-in", "MODEL": "gpt-6-luna", "PROVIDER": "openai"
        },
        "other": {"BASE_URL": "http://127.0.0.1:9/v1"},
    }
    assert settings.AIOPS["MINE"] == 1
    provider.reply_with(Refusal())
    with OpenAI(base_url=provider.base_url, api_key="stand-in") as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert answer.choices[0].message.refusal


def test_afterwards_all_is_as_it_was():
    assert settings.AIOPS["CONNECTIONS"] == {"other": {"BASE_URL": "http://127.0.0.1:9/v1"}}
"""


def test_users_get_the_fixture_by_one_line(tmp_path):
    tmp_path.joinpath("conftest.py").write_text(
        # Imported before pytest loads it as a plugin, as happens in real test suites: this must not warn.
        "from aiops.gateway.testing import StandIn\n"
        "from django.conf import settings\n"
        'settings.configure(AIOPS={"MINE": 1, "CONNECTIONS": {"other": {"BASE_URL": "http://127.0.0.1:9/v1"}}})\n'
        'pytest_plugins = ["aiops.gateway.testing"]\n'
    )
    tmp_path.joinpath("test_mine.py").write_text(USERS_TEST)
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\naddopts = -p no:randomly\n")
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr

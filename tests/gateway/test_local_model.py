"""The local model's server: a real process with a real, if tiny, model; asked through the real SDK."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openai import OpenAI

from aiops.gateway.local_model import process
from aiops.gateway.local_model.errors import AlreadyRunning, DidNotStart, NotOnThisMachine
from aiops.gateway.local_model.health import totals
from tests.gateway.tiny_model import write_tiny_model

# A wheel that is there but was made for another processor ends the interpreter itself: ask in another one.
RUNS_HERE = subprocess.run([sys.executable, "-c", "import xllamacpp"], capture_output=True, check=False).returncode == 0
served = pytest.mark.skipif(not RUNS_HERE, reason='xllamacpp does not run here: pip install "django-aiops[local]"')

SCHEMA = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": ["card", "cash"]}, "sure": {"type": "boolean"}},
    "required": ["category", "sure"],
    "additionalProperties": False,
}


@pytest.fixture
def tiny(tmp_path) -> Path:
    return write_tiny_model(tmp_path / "Tiny-1K.gguf")


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "models"
    yield path
    process.stop(path)


@pytest.fixture
def server(tiny, directory):
    return process.start(process.command_line(tiny, "tiny", directory, port=0), directory)


@pytest.fixture
def client(server):
    with OpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=60) as client:
        yield client


def is_alive(pid):
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def ask(client, text, **more):
    format = {"type": "json_schema", "json_schema": {"name": "triage", "schema": SCHEMA, "strict": True}}
    messages = [{"role": "system", "content": "You sort."}, {"role": "user", "content": text}]
    return client.chat.completions.create(
        model="tiny", messages=messages, response_format=format, max_tokens=200, **more
    )


@served
class TestServed:
    def test_answers_obey_the_schema_and_say_which_model_and_how_many_tokens(self, client):
        answer = ask(client, "My card is stuck")
        assert answer.choices[0].finish_reason == "stop"
        said = json.loads(answer.choices[0].message.content)
        assert set(said) == {"category", "sure"} and said["category"] in ("card", "cash")
        assert answer.model == "tiny"
        assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0

    def test_the_sum_of_the_usage_is_the_servers_own_count(self, client, server):
        # The same beginning again and again: what the server had cached is in a usage and must be in its count.
        with ThreadPoolExecutor(4) as four:
            usages = [answer.usage for answer in four.map(lambda n: ask(client, f"Question {n}", seed=n), range(12))]
        stream = ask(client, "And streamed", stream=True, stream_options={"include_usage": True})
        usages += [chunk.usage for chunk in stream if chunk.usage]
        assert len(usages) == 13
        assert any(usage.prompt_tokens_details.cached_tokens for usage in usages)
        counted = totals(server.base_url)
        assert counted.tokens_in == sum(usage.prompt_tokens for usage in usages)
        assert counted.tokens_out == sum(usage.completion_tokens for usage in usages)

    def test_beyond_a_million_its_count_says_that_it_is_rounded(self, client, server):
        words = {"model": "tiny", "messages": [{"role": "user", "content": "a" * 3900}], "max_tokens": 1}
        usages = [client.chat.completions.create(**words).usage for _ in range(3)]
        assert totals(server.base_url).exact
        usages += [client.chat.completions.create(**words).usage for _ in range(262)]
        tokens_in = sum(usage.prompt_tokens for usage in usages)
        assert tokens_in > 1_010_000
        counted = totals(server.base_url)
        assert not counted.exact
        assert counted.tokens_in == pytest.approx(tokens_in, rel=1e-5)

    def test_an_answer_can_be_bounded(self, client):
        answer = client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "Talk"}],
            max_completion_tokens=5,
            logit_bias={"2": -100},
        )
        assert answer.usage.completion_tokens <= 5

    def test_it_listens_on_loopback_only_and_shows_nobody_elses_prompts(self, server, client):
        port = int(server.base_url.rpartition(":")[2].removesuffix("/v1"))
        host = socket.gethostbyname(socket.gethostname())
        if not host.startswith("127."):
            with pytest.raises(OSError):
                socket.create_connection((host, port), timeout=2).close()
        import httpx2

        with httpx2.Client() as http:
            assert http.get(server.base_url.removesuffix("/v1") + "/slots").status_code != 200
            answer = http.get(server.base_url + "/models", headers={"Origin": "https://example.org"})
            assert answer.headers.get("access-control-allow-origin") not in ("*", "https://example.org")

    def test_stop_ends_it_in_the_middle_of_an_answer_and_leaves_nothing(self, client, server, directory):
        with ThreadPoolExecutor(1) as one:
            endless = one.submit(
                client.chat.completions.create,
                model="tiny",
                messages=[{"role": "user", "content": "Talk"}],
                max_tokens=3900,
                extra_body={"ignore_eos": True},
            )
            time.sleep(0.2)
            began = time.monotonic()
            assert process.stop(directory).pid == server.pid
            assert time.monotonic() - began < 5
            assert endless.exception(timeout=20) is not None
        assert not is_alive(server.pid)
        assert process.running(directory) is None
        assert sorted(path.name for path in directory.iterdir()) == ["server.lock", "server.log"]

    def test_one_directory_has_one_server(self, tiny, server, directory):
        with pytest.raises(AlreadyRunning, match=f"process {server.pid}"):
            process.start(process.command_line(tiny, "tiny", directory, port=0), directory)
        second = subprocess.run(process.command_line(tiny, "tiny", directory, port=0), timeout=30, check=False)
        assert isinstance(process.why_it_ended(second.returncode), AlreadyRunning)
        assert process.running(directory).pid == server.pid

    def test_a_killed_server_is_seen_to_be_gone_and_another_can_start(self, tiny, server, directory):
        os.kill(server.pid, signal.SIGKILL)
        for _ in range(100):
            if process.running(directory) is None:
                break
            time.sleep(0.05)
        assert (directory / "server.json").exists()
        assert process.stop(directory) is None
        again = process.start(process.command_line(tiny, "tiny", directory, port=0), directory)
        assert again.healthy and again.pid != server.pid

    def test_a_port_that_is_taken_and_a_damaged_model_are_said(self, tiny, directory):
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(DidNotStart, match="The port is taken by another program"),
        ):
            process.start(process.command_line(tiny, "tiny", directory, port=taken.getsockname()[1]), directory)
        tiny.write_bytes(tiny.read_bytes()[:5000])
        with pytest.raises(DidNotStart, match="The model file cannot be loaded: it is damaged"):
            process.start(process.command_line(tiny, "tiny", directory, port=0), directory)
        assert process.running(directory) is None

    def test_in_the_foreground_a_signal_ends_it(self, tiny, directory):
        words = ["local_model", "run", "--model", str(tiny), "--directory", str(directory), "--port", "0"]
        with subprocess.Popen([sys.executable, "manage.py", *words], stderr=subprocess.DEVNULL) as run:
            for _ in range(600):
                there = process.running(directory)
                if there and there.healthy:
                    break
                time.sleep(0.1)
            assert there.pid == run.pid
            run.send_signal(signal.SIGINT)
            assert run.wait(timeout=15) == 0

    def test_the_command_tells_what_runs(self, tiny, directory, capsys):
        where = {"directory": directory}
        call_command("local_model", "start", model=tiny, port=0, **where)
        there = process.running(directory)
        assert capsys.readouterr().out == f"tiny-1k answers at {there.base_url} (process {there.pid}, 2 slots).\n"
        call_command("local_model", "status", json=True, **where)
        told = json.loads(capsys.readouterr().out)
        assert told["running"] and told["healthy"] and told["base_url"] == there.base_url
        assert (told["tokens_in"], told["tokens_out"], told["exact"]) == (0, 0, True)
        call_command("local_model", "stop", **where)
        assert capsys.readouterr().out == f"Stopped process {there.pid}.\n"
        call_command("local_model", "stop", **where)
        assert capsys.readouterr().out == "No local model runs.\n"
        with pytest.raises(SystemExit) as ended:
            call_command("local_model", "status", **where)
        assert ended.value.code == 1 and capsys.readouterr().out == "No local model runs.\n"


def test_without_xllamacpp_one_sentence_says_so_with_a_code_of_its_own(tiny, directory, tmp_path, monkeypatch):
    # A package of that name which cannot be loaded, as where its wheel does not fit the machine.
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('no wheel')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NotOnThisMachine):
        process.start(process.command_line(tiny, "tiny", directory, port=0), directory)
    with pytest.raises(CommandError) as refused:
        call_command("local_model", "start", model=tiny, port=0, directory=directory)
    assert refused.value.returncode == 3
    assert str(refused.value) == (
        "There is no local model on this machine, xllamacpp cannot be loaded: "
        'run `pip install "django-aiops[local]"` where it has a wheel, or use another connection.'
    )


def test_no_model_and_no_such_model_are_refused_before_anything_is_started(directory, tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("local_model", "start", directory=directory)
    assert str(refused.value) == f"There is no model in {directory} yet: run `manage.py local_model fetch` first."
    assert refused.value.returncode == 2
    (tmp_path / "notes.gguf").write_text("notes")
    with pytest.raises(CommandError, match="is not a GGUF file") as refused:
        call_command("local_model", "start", model=tmp_path / "notes.gguf", directory=directory)
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("local_model", "start", model=tmp_path / "missing.gguf", directory=directory)
    assert not directory.exists()

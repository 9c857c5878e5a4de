"""The client against the local model's own server: what works there works for real."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel

from aiops import (
    OpenAIClientError,
    OpenAIIncompleteError,
    get_async_openai_client,
    get_openai_client,
    get_structured_completion_sync,
)
from aiops.calls.models import Call
from aiops.gateway.local_model import process
from tests.gateway.tiny_model import write_tiny_model

RUNS_HERE = subprocess.run([sys.executable, "-c", "import xllamacpp"], capture_output=True, check=False).returncode == 0
pytestmark = pytest.mark.skipif(not RUNS_HERE, reason='xllamacpp does not run here: pip install "django-aiops[local]"')

ASK = [{"role": "user", "content": "My card is stuck in the machine."}]
SHORT = {"temperature": 0, "max_tokens": 5}
"""What it says then is always the same, and not all of it."""

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Sorted(BaseModel):
    urgent: bool


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models")
    tiny = write_tiny_model(tmp_path_factory.mktemp("tiny") / "Tiny-1K.gguf")
    yield process.start(process.command_line(tiny, "tiny", directory, port=0), directory)
    process.stop(directory)


@pytest.fixture(autouse=True)
def local(server, settings, db):
    """The connection leads to a server with a real, if tiny, model, that talks nonsense."""
    options = {
        "BASE_URL": server.base_url,
        "API_KEY": None,
        "MODEL": "tiny",
        "FREE": True,
        "PROVIDER": "local",
        "OUTPUT_LIMIT_PARAMETER": "max_tokens",
        "OUTPUT_LIMIT": 200,
    }
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": options}}


def test_an_answer_that_is_cut_off_is_an_error_with_what_came():
    with pytest.raises(OpenAIIncompleteError) as caught:
        get_openai_client().chat_completion(ASK, **SHORT)
    row = Call.objects.get()
    assert (caught.value.kind, row.error_kind, row.cost) == ("cut_off", "cut_off", 0)
    assert caught.value.completion.choices[0].message.content == row.output
    assert row.tokens_out == 5


def test_a_class_is_filled_in():
    made = get_structured_completion_sync(ASK, "tiny", Sorted)
    assert isinstance(made.urgent, bool)
    assert Call.objects.get().data == {"urgent": made.urgent}


def test_a_choice_is_made_and_nothing_is_said_of_how_sure_it_is_where_the_server_tells_nonsense():
    found = async_to_sync(get_async_openai_client().classify)("My card is stuck", ["card", "cash", "transfer"])
    assert found.choice in {"card", "cash", "transfer"}
    # Its probabilities are of what the model would have said without the grammar: next to nothing is for the letters.
    assert (found.by, found.confidence, found.probabilities) == ("answer", None, {})


@pytest.mark.parametrize("awaited", [False, True])
def test_a_stream_comes_piece_by_piece(awaited):
    pieces = []

    async def read():
        async for piece in get_async_openai_client().stream(ASK, **SHORT):
            pieces.append(piece)

    def read_blocking():
        for piece in get_openai_client().stream(ASK, **SHORT):
            pieces.append(piece)

    with pytest.raises(OpenAIIncompleteError) as caught:
        async_to_sync(read)() if awaited else read_blocking()
    row = Call.objects.get()
    assert caught.value.kind == "cut_off"
    assert "".join(pieces) == row.output
    assert (row.tokens_out, row.status) == (5, "failed")


def test_a_model_that_cannot_see_says_so():
    with pytest.raises(OpenAIClientError) as caught:
        get_openai_client().create_with_vision("What is this?", PIXEL)
    row = Call.objects.get()
    assert row.status == "failed"
    assert caught.value.call_id == row.pk
    assert "iVBORw0KGgo" not in str(row.messages)


def test_what_the_server_does_not_have_is_an_error_that_says_so():
    with pytest.raises(OpenAIClientError) as caught:
        get_openai_client().embed("My card is stuck")
    assert caught.value.kind in {"bad_request", "server_fault"}
    assert Call.objects.get().operation == "embedding"

"""The stand-in provider keeps files and lists models."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import CutJson, Disconnect, StandIn, Status


class Clock:
    """A time that a test moves on."""

    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stand_in(clock):
    with StandIn(clock=clock) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


def upload(client, content=b"abc", purpose="user_data", **more):
    return client.files.create(file=("a.txt", content, "text/plain"), purpose=purpose, **more)


def test_a_file_is_kept_read_and_deleted(stand_in, client):
    content = bytes(range(256)) * 9000
    file = upload(client, content)
    assert (file.object, file.filename, file.bytes, file.purpose, file.status) == (
        "file",
        "a.txt",
        len(content),
        "user_data",
        "processed",
    )
    assert file.id.startswith("file-")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == content
    assert client.files.delete(file.id).deleted
    for look in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=file.id):
            look(file.id)
    [received] = stand_in.requests[0].files
    assert (received.size, received.content) == (len(content), content)
    assert {request.operation for request in stand_in.requests} == {"files"}


def test_a_file_lives_as_long_as_was_said(client, clock):
    kept, batch = upload(client), upload(client, purpose="batch")
    short = upload(client, expires_after={"anchor": "created_at", "seconds": 3600})
    assert (kept.expires_at, short.expires_at) == (None, int(clock.now) + 3600)
    assert batch.expires_at == int(clock.now) + 30 * 86_400
    clock.now += 3599
    assert client.files.retrieve(short.id).id == short.id
    clock.now += 1
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(short.id)
    assert {file.id for file in client.files.list()} == {kept.id, batch.id}


def test_files_are_listed_by_purpose_order_and_page(client):
    ids = [upload(client, purpose=purpose).id for purpose in ("user_data", "batch", "user_data")]
    assert [file.id for file in client.files.list()] == ids[::-1]
    assert [file.id for file in client.files.list(order="asc", purpose="user_data")] == [ids[0], ids[2]]
    page = client.files.list(limit=2, order="asc")
    assert ([file.id for file in page.data], page.has_more) == (ids[:2], True)
    assert [file.id for file in page.get_next_page().data] == ids[2:]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"purpose": "fun"}, "'purpose'"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, "seconds"),
        ({"expires_after": {"anchor": "used_at", "seconds": 3600}}, "anchor"),
    ],
)
def test_a_bad_upload_is_refused_in_words(client, more, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        upload(client, **more)
    assert list(client.files.list()) == []


def test_a_bad_list_is_refused_in_words(client):
    with pytest.raises(openai.BadRequestError, match="'limit'"):
        client.files.list(limit=0)


def test_files_are_not_counted_and_use_up_no_script(stand_in, client):
    stand_in.reply_with("for the chat")
    upload(client)
    client.models.list()
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert answer.choices[0].message.content == "for the chat"
    assert (stand_in.totals.requests, stand_in.requests[0].number, stand_in.requests[2].number) == (1, 0, 1)


def test_rules_reach_them_and_a_lost_answer_has_been_acted_upon(stand_in, client):
    stand_in.when(lambda request: request.operation == "files" and request.method == "POST", Status(503), times=1)
    stand_in.when(lambda request: request.operation == "files" and request.method == "POST", CutJson(), times=1)
    stand_in.when(lambda request: request.operation == "models", Disconnect())
    with pytest.raises(openai.InternalServerError):
        upload(client)
    assert list(client.files.list()) == []
    with pytest.raises(ValueError):
        upload(client)
    assert len(list(client.files.list())) == 1
    with pytest.raises(openai.APIConnectionError):
        client.models.list()
    assert stand_in.totals.lost_answers == 0


def test_reset_forgets_files_and_never_gives_their_names_again(stand_in, client):
    first = upload(client).id
    stand_in.reset()
    assert list(client.files.list()) == []
    assert upload(client).id != first


@pytest.mark.parametrize("path", ["/files/a/b", "/files/a/content/b"])
def test_unknown_addresses_are_named(client, path):
    with pytest.raises(openai.NotFoundError, match="Unknown request URL"):
        client.get(path, cast_to=object)


def test_models_are_listed_with_the_day_of_their_end():
    ends = {"gpt-6-luna": None, "gpt-4o": "2027-01-14", "org/model": None}
    with StandIn(models=ends) as provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
        assert {model.id: model.shutdown_date for model in client.models.list()} == ends
        assert client.models.retrieve("gpt-4o").shutdown_date == "2027-01-14"
        assert client.get("/models/org/model", cast_to=object)["id"] == "org/model"
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("gpt-9")
        assert caught.value.code == "model_not_found"
        assert provider.totals.requests == 0


def test_async_clients_get_the_same(stand_in):
    async def stored():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as client:
            file = await upload(client, b"async")
            return (await client.files.content(file.id)).read()

    assert asyncio.run(stored()) == b"async"

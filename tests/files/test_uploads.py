"""A file is recorded, sent, and known from then on."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import timezone

from aiops import OpenAITransportError, RetryPolicy, get_async_openai_client, get_openai_client
from aiops.durable import InTransaction
from aiops.files.models import UploadedFile
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.connections import ConnectionProblem
from aiops.gateway.testing import CutJson, Disconnect, Hang, Html, Raw, Status
from tests.files.conftest import PDF, names_there

pytestmark = pytest.mark.django_db


def is_upload(request):
    return request.operation == "files" and request.method == "POST"


def test_a_file_is_known_by_its_row(call, provider, person):
    ada = person("ada")
    before = timezone.now()
    file = call("upload_file", PDF, name="Bill.pdf", by=ada, expires_after=timedelta(days=7))
    row = UploadedFile.objects.get()
    assert file == row
    assert (row.connection, row.name, row.purpose, row.size) == ("default", "Bill.pdf", "user_data", len(PDF))
    assert (row.content_type, row.owner, row.state, row.deleted) == ("application/pdf", ada, "there", None)
    assert before + timedelta(days=6) < row.expires < timezone.now() + timedelta(days=7)
    [received] = provider.requests[0].files
    assert (received.content, received.content_type) == (PDF, "application/pdf")
    assert received.filename == row.sent_name
    assert row.provider_id.startswith("file-")
    assert get_openai_client().sdk.files.retrieve(row.provider_id).filename == row.sent_name


def test_a_file_stays_until_somebody_deletes_it_where_nobody_says_until_when(call):
    assert call("upload_file", PDF, name="a.pdf").expires is None


def test_a_provider_that_does_not_say_until_when_is_believed_to_do_as_asked(call, provider):
    told = b'{"id": "file-1", "object": "file", "filename": "a.pdf", "bytes": 5, "purpose": "user_data"}'
    provider.when(is_upload, Raw(told, content_type="application/json"))
    file = call("upload_file", PDF, name="a.pdf", expires_after=3600)
    assert file.created + timedelta(hours=1) == file.expires


@pytest.fixture(params=["path", "text of a path", "Django file", "form file", "bytes", "open file"])
def given(request, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    if request.param == "open file":
        with path.open("rb") as file:
            file.read(4)
            yield File(file, name="a.pdf")
            assert file.tell() == 4
        return
    yield {
        "path": path,
        "text of a path": str(path),
        "Django file": ContentFile(PDF, name="a.pdf"),
        "form file": SimpleUploadedFile("a.pdf", PDF),
        "bytes": memoryview(PDF),
    }[request.param]


def test_a_file_is_taken_however_the_shop_has_it(call, provider, given):
    assert call("upload_file", given).name in ("a.pdf", "file.pdf")
    assert provider.requests[0].files[0].content == PDF


def test_the_same_bytes_are_not_sent_again(call, provider, person):
    ada = person("ada")
    first = call("upload_file", PDF, name="a.pdf", by=ada)
    assert call("upload_file", PDF, name="b.pdf", by=ada) == first
    assert len(provider.requests) == 1
    others = [
        call("upload_file", PDF, name="a.pdf", by=ada, again=True),
        call("upload_file", PDF, name="a.pdf", by=ada, purpose="assistants"),
        call("upload_file", PDF + b"\n", name="a.pdf", by=ada),
        # Whoever deletes theirs must not take another's away.
        call("upload_file", PDF, name="a.pdf"),
        # It would stay for longer than was agreed to.
        call("upload_file", PDF, name="a.pdf", by=ada, expires_after=3600),
    ]
    assert len({first, *others}) == 6


def test_what_is_about_to_expire_is_sent_again(call, provider):
    first = call("upload_file", PDF, name="a.pdf", expires_after=7200)
    assert call("upload_file", PDF, name="a.pdf", expires_after=7200) == first
    first.expires = timezone.now() + timedelta(minutes=59)
    first.save()
    assert call("upload_file", PDF, name="a.pdf", expires_after=7200) != first


def test_what_was_deleted_is_sent_again(call):
    first = call("upload_file", PDF, name="a.pdf")
    call("delete_file", first)
    assert call("upload_file", PDF, name="a.pdf") != first


def test_a_passing_refusal_is_sent_again_from_the_beginning(call, provider):
    provider.when(is_upload, Status(429, retry_after="0"), times=1)
    provider.when(is_upload, Status(500), times=1)
    assert call("upload_file", PDF, name="a.pdf").state == "there"
    assert [request.files[0].content for request in provider.requests] == [PDF] * 3


@pytest.mark.parametrize(
    ("reply", "state", "kind", "requests"),
    [
        (Status(400, message="We do not like it."), "failed", "bad_request", 1),
        (Status(401), "failed", "bad_key", 1),
        (Status(413, message="Too large."), "failed", "bad_request", 1),
        (Disconnect(), "unknown", "interrupted", 1),
        (CutJson(), "unknown", "malformed", 1),
        (Html(status=502), "unknown", "interrupted", 1),
        (Html(), "unknown", "malformed", 1),
        (Raw(b'{"id": "../../chat", "filename": "x", "bytes": 1}'), "unknown", "malformed", 1),
        (Status(500), "failed", "server_fault", 2),
    ],
)
def test_what_goes_wrong_is_an_error_and_in_the_row(call, provider, reply, state, kind, requests):
    provider.when(is_upload, reply)
    with pytest.raises(OpenAITransportError) as caught:
        call("upload_file", PDF, name="a.pdf", retry=RetryPolicy(attempts=2, first_wait=0.01))
    row = UploadedFile.objects.get()
    assert (caught.value.kind, row.state, row.provider_id) == (kind, state, "")
    assert row.error == str(caught.value)
    # What may have arrived is not sent twice.
    assert len(provider.requests) == requests


def test_a_provider_that_is_down_surely_has_nothing(call, provider):
    provider.stop()
    with pytest.raises(OpenAITransportError) as caught:
        call("upload_file", PDF, name="a.pdf", retry=RetryPolicy(attempts=1))
    assert (caught.value.kind, UploadedFile.objects.get().state) == ("unreachable", "failed")


def test_nobody_waits_for_longer_than_was_said(call, provider):
    provider.when(is_upload, Hang(30))
    with pytest.raises(OpenAITransportError, match="did not answer in time"):
        call("upload_file", PDF, name="a.pdf", timeout=0.3)
    assert UploadedFile.objects.get().state == "unknown"


def test_a_task_that_is_cancelled_leaves_a_row_that_says_so(provider):
    provider.when(is_upload, Hang(30))

    async def cancelled():
        task = asyncio.create_task(get_async_openai_client().upload_file(PDF, name="a.pdf"))
        while not provider.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()
    assert UploadedFile.objects.get().state == "unknown"


@pytest.mark.django_db(transaction=True)
def test_the_row_is_there_before_the_file_leaves(call, provider):
    seen = []

    def state_of(marker):
        try:
            return UploadedFile.objects.get(marker=marker).state
        finally:
            connection.close()

    def look(request):
        if is_upload(request):
            marker = request.files[0].filename.removesuffix(".pdf").rpartition("-")[2]
            # Another connection to the database: it sees only what is committed.
            with ThreadPoolExecutor() as thread:
                seen.append(thread.submit(state_of, marker).result())
        return False

    provider.when(look, Status(500))
    assert call("upload_file", PDF, name="a.pdf").state == "there"
    assert seen == ["uploading"]


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_is_refused(call, provider):
    file = call("upload_file", PDF, name="a.pdf")
    sent = len(provider.requests)

    def inside(name, /, *args, **kwargs):
        with transaction.atomic(), pytest.raises(InTransaction, match="may not be made inside a transaction"):
            call(name, *args, **kwargs)

    inside("upload_file", PDF, name="b.pdf", again=True)
    inside("delete_file", file)
    assert len(provider.requests) == sent
    assert UploadedFile.objects.get().state == "there"


def test_a_connection_without_a_key_is_refused_before_anything_is_written(call, settings):
    keyless = {"BASE_URL": "https://api.example.com/v1", "API_KEY": ""}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "keyless": keyless}}
    with pytest.raises(ConnectionProblem, match="has no key"):
        call("upload_file", PDF, name="a.pdf", connection="keyless")
    assert not UploadedFile.objects.exists()


class Zeros(io.RawIOBase):
    """A large file that is nowhere: a PDF of zeros."""

    size = 40 << 20

    def __init__(self):
        self.at = 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, to, whence=0):
        self.at = to if whence == 0 else self.size + to if whence == 2 else self.at + to
        return self.at

    def read(self, size=-1):
        size = min(self.size - self.at, size if size >= 0 else self.size)
        piece = (b"%PDF-" if self.at == 0 else b"").ljust(size, b"\0")[:size]
        self.at += size
        return piece


@pytest.fixture
def elsewhere(settings):
    """A provider in a process of its own: what it keeps in memory does not count here."""
    command = [sys.executable, "-m", "aiops.gateway.testing", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        connections = settings.AIOPS["CONNECTIONS"]
        there = {"BASE_URL": process.stdout.readline().strip(), "API_KEY": "stand-in"}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "elsewhere": there}}
        yield "elsewhere"
        close_sync_clients()
        process.terminate()


def test_a_large_file_is_never_in_memory(call, elsewhere, tmp_path):
    given = File(Zeros(), name="large.pdf")
    tracemalloc.start()
    try:
        file = call("upload_file", given, connection=elsewhere)
        written = call("download_file", file, tmp_path / "back.pdf")
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert file.size == Zeros.size == written == (tmp_path / "back.pdf").stat().st_size
    assert peak < Zeros.size / 4


def test_what_is_there_has_the_name_that_leads_to_the_row(call, provider):
    file = call("upload_file", PDF, name="../../etc/Bill of\r\nAda.pdf")
    assert file.name == "Bill of Ada.pdf"
    assert names_there(provider) == [f"Bill of Ada-{file.marker}.pdf"]


def test_an_uploaded_image_is_looked_at(call, provider, budget, settings):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "API": "responses"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "default": default}}
    provider.reply_with("A cat.", "A cat.")
    file = call("upload_file", b"\x89PNG\r\n\x1a\n", name="cat.png", purpose="vision")
    for image in (file, file.provider_id):
        call("create_with_vision", "What is this?", image)
        assert f"'file_id': '{file.provider_id}'" in str(provider.requests[-1].body)
    call("delete_file", file)
    file.refresh_from_db()
    with pytest.raises(ValueError, match="Image 1 is an uploaded file that is deleted: upload it again"):
        call("create_with_vision", "What is this?", file)

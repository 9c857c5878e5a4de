"""What is in a file comes back: bounded, whole or not at all, to whom it belongs."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import AnonymousUser

from aiops import OpenAITransportError, get_openai_client
from aiops.files.models import UploadedFile
from aiops.gateway.testing import CutBody, Flood, Hang, Raw, StandIn, Status
from tests.files.conftest import PDF

pytestmark = pytest.mark.django_db


def is_content(request):
    return request.path.endswith("/content")


@pytest.fixture
def file(provider):
    return get_openai_client().upload_file(PDF, name="a.pdf")


def test_what_is_in_it_comes_back(call, file, tmp_path):
    assert call("download_file", file) == PDF
    assert call("download_file", file.provider_id) == PDF
    path, out = tmp_path / "a.pdf", io.BytesIO()
    assert call("download_file", file, path) == call("download_file", file, out) == len(PDF)
    assert path.read_bytes() == out.getvalue() == PDF
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_the_provider_made_itself_is_read_by_its_id(call, provider):
    sdk = get_openai_client().sdk
    made = sdk.files.create(file=("out.jsonl", b'{"a": 1}'), purpose="batch")
    assert call("download_file", made.id) == b'{"a": 1}'
    call("delete_file", made.id)
    assert list(sdk.files.list()) == []
    assert not UploadedFile.objects.exists()


def test_more_than_was_agreed_to_is_not_read(call, provider, file, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"before")
    assert call("download_file", file, most_bytes=len(PDF)) == PDF
    for reply in (False, Flood(1 << 26)):
        if reply:
            provider.when(is_content, reply)
        with pytest.raises(OpenAITransportError, match="larger than 5 bytes"):
            call("download_file", file, path, most_bytes=5)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_answer_may_be_no_larger_because_a_file_may(call, provider, file):
    big = get_openai_client().upload_file(b"a" * (17 << 20), name="a.txt")
    assert len(call("download_file", big)) == 17 << 20
    provider.reply_with(Raw(b" " * (17 << 20)))
    with pytest.raises(OpenAITransportError, match="larger than 16 MiB"):
        call("chat_completion", "Hello")


def test_half_a_file_is_none(call, provider, file, tmp_path):
    path = tmp_path / "a.pdf"
    provider.when(is_content, CutBody())
    with pytest.raises(OpenAITransportError) as caught:
        call("download_file", file, path)
    assert caught.value.kind == "interrupted"
    assert list(tmp_path.iterdir()) == []


def test_nobody_waits_for_longer_than_was_said(call, provider, file):
    provider.when(is_content, Hang(30))
    with pytest.raises(OpenAITransportError, match="did not answer in time"):
        call("download_file", file, timeout=0.3)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_followed_to_another_host(call, provider, file, status):
    with StandIn() as elsewhere:
        address = f"{elsewhere.base_url}/files"
        provider.when(lambda request: True, Status(status, headers={"Location": address}))
        for name, given in (("download_file", file), ("upload_file", PDF + b"\n"), ("delete_file", file)):
            with pytest.raises(OpenAITransportError, match=f"sends us elsewhere .status {status}."):
                call(name, given)
        assert elsewhere.requests == []


def test_what_the_provider_refuses_to_give_is_an_error(call, provider, file):
    provider.when(is_content, Status(400, message="Not allowed to download files of purpose: user_data"))
    with pytest.raises(OpenAITransportError, match="Not allowed to download"):
        call("download_file", file)


@pytest.mark.parametrize(
    ("which", "arguments", "sentence"),
    [
        ("../chat/completions", {}, "“../chat/completions” is no id of a file."),
        ("file-1/content", {}, "is no id of a file"),
        ("", {}, "“” is no id of a file."),
        (7, {}, "The file is of type int: give what upload_file gave."),
        (UploadedFile(pk=1, name="a.pdf"), {}, "The list has no file “a.pdf” any more."),
        ("file-1", {"most_bytes": 0}, "most_bytes is 0: give a whole number above zero."),
        ("file-1", {"to": 7}, "It cannot be written to int: give a path or a file."),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(call, provider, which, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("download_file", which, **arguments)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("uploading", "Nobody knows whether “a.pdf” is at the provider: see manage.py uploaded_files reconcile"),
        ("unknown", "Nobody knows whether"),
        ("failed", "“a.pdf” is not at the provider: upload it again."),
        ("deleted", "“a.pdf” is not at the provider: upload it again."),
    ],
)
def test_what_is_not_there_is_not_asked_for(call, provider, file, state, sentence):
    UploadedFile.objects.update(state=state, provider_id="" if state != "deleted" else file.provider_id)
    sent = len(provider.requests)
    with pytest.raises(ValueError, match=sentence):
        call("download_file", file)
    assert len(provider.requests) == sent


def test_a_file_is_its_owners_and_that_of_those_who_may_see_all(call, provider, person):
    ada, bob, boss = person("ada"), person("bob", "delete_uploadedfile"), person("boss", "view_uploadedfile")
    file = call("upload_file", PDF, name="a.pdf", by=ada)
    for which in (file, file.provider_id):
        assert call("download_file", which, by=ada) == call("download_file", which, by=boss) == PDF
        assert call("download_file", which) == PDF
        with pytest.raises(ValueError, match="This file belongs to somebody else"):
            call("download_file", which, by=bob)
        with pytest.raises(ValueError, match="This file belongs to somebody else"):
            call("delete_file", which, by=boss)
    call("delete_file", file, by=bob)
    assert UploadedFile.objects.get().state == "deleted"
    shops = call("upload_file", PDF, name="a.pdf")
    unknown = get_openai_client().sdk.files.create(file=("out.jsonl", b"{}"), purpose="batch").id
    for which in (shops, unknown):
        for name in ("download_file", "delete_file"):
            with pytest.raises(ValueError, match="This file belongs to somebody else"):
                call(name, which, by=ada)
    assert list(UploadedFile.objects.visible_to(ada)) == [file]
    assert set(UploadedFile.objects.visible_to(boss)) == {file, shops}


def test_nobody_who_is_signed_in_nowhere_owns_anything(call, file):
    assert file.owner is None
    with pytest.raises(ValueError, match="This file belongs to somebody else"):
        call("download_file", file, by=AnonymousUser())
    assert call("upload_file", PDF + b"\n", name="a.pdf", by=AnonymousUser()).owner is None

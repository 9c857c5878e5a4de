"""Deleting, forgetting what has expired, and finding out what is really there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from aiops import OpenAITransportError, RetryPolicy, get_openai_client
from aiops.files.expiry import expire
from aiops.files.models import UploadedFile
from aiops.files.reconciliation import on_the_way, reconcile
from aiops.gateway.connections import get_connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.testing import CutJson, Disconnect, Html, Raw, Status
from tests.files.conftest import PDF, names_there

pytestmark = pytest.mark.django_db

ONCE = RetryPolicy(attempts=1)


def is_delete(request):
    return request.method == "DELETE"


def is_upload(request):
    return request.method == "POST"


def is_list(request):
    return request.method == "GET" and request.path.endswith("/files")


def upload(number=1, **arguments):
    return get_openai_client().upload_file(PDF + bytes([10] * number), name=f"{number}.pdf", **arguments)


def later():
    """A moment when whatever is on its way today has ended."""
    return timezone.now() + 2 * on_the_way(get_connection())


def states():
    return list(UploadedFile.objects.order_by("pk").values_list("state", flat=True))


def test_a_file_is_deleted_as_often_as_one_likes(call, provider):
    file = upload()
    call("delete_file", file)
    row = UploadedFile.objects.get()
    assert (row.state, names_there(provider)) == ("deleted", [])
    assert row.deleted is not None
    sent = len(provider.requests)
    call("delete_file", file)
    call("delete_file", file.provider_id)
    assert UploadedFile.objects.get().deleted == row.deleted
    assert len([request for request in provider.requests[sent:] if is_delete(request)]) == 0


def test_what_the_provider_has_not_is_deleted(call, provider):
    file = upload()
    get_openai_client().sdk.files.delete(file.provider_id)
    call("delete_file", file)
    assert UploadedFile.objects.get().state == "deleted"


def test_a_deletion_whose_answer_is_lost_is_asked_for_again(call, provider):
    file = upload()
    provider.when(is_delete, Disconnect(), times=1)
    call("delete_file", file)
    assert UploadedFile.objects.get().state == "deleted"


@pytest.mark.parametrize("reply", [Status(401), Status(500), CutJson(), Html(), Raw(b'{"deleted": false}')])
def test_a_file_that_is_not_known_to_be_gone_is_there(call, provider, reply):
    file = upload()
    provider.when(is_delete, reply)
    with pytest.raises(OpenAITransportError):
        call("delete_file", file, retry=ONCE)
    assert UploadedFile.objects.get().state == "there"


def test_an_upload_whose_answer_was_lost_is_found_again(provider):
    provider.when(is_upload, CutJson())
    with pytest.raises(OpenAITransportError):
        upload(expires_after=7200)
    found = reconcile(get_connection(), now=later())
    row = UploadedFile.objects.get()
    assert (row.state, row.error, [row]) == ("there", "", list(found.arrived))
    assert get_openai_client().download_file(row) == PDF + b"\n"
    assert (found.never_arrived, found.gone, found.unlisted) == ((), (), 0)


def test_the_row_of_a_process_that_died_is_settled(provider):
    sent, lost = upload(1), upload(2)
    get_openai_client().sdk.files.delete(lost.provider_id)
    UploadedFile.objects.update(state="uploading", provider_id="")
    found = reconcile(get_connection(), now=later())
    assert (found.arrived, found.never_arrived) == ((sent,), (lost,))
    assert states() == ["there", "failed"]
    assert UploadedFile.objects.get(pk=sent.pk).provider_id == sent.provider_id
    assert UploadedFile.objects.get(pk=lost.pk).error == "It never arrived."


def test_a_file_of_the_same_name_and_another_size_is_not_taken_for_ours(provider):
    file = upload()
    UploadedFile.objects.update(state="unknown", provider_id="", size=file.size + 1)
    found = reconcile(get_connection(), now=later())
    assert (found.never_arrived, found.unlisted) == ((file,), 1)


def test_what_may_still_be_on_its_way_is_left_alone(provider):
    upload(1)
    upload(2)
    UploadedFile.objects.filter(name="1.pdf").update(state="uploading", provider_id="")
    get_openai_client().sdk.files.delete(UploadedFile.objects.get(name="2.pdf").provider_id)
    found = reconcile(get_connection(), now=timezone.now())
    assert (found.arrived, found.never_arrived, found.gone) == ((), (), ())
    assert states() == ["uploading", "there"]


def test_what_somebody_else_deleted_is_noticed_and_the_rest_is_counted(provider):
    kept, gone = upload(1), upload(2)
    sdk = get_openai_client().sdk
    sdk.files.delete(gone.provider_id)
    sdk.files.create(file=("theirs.pdf", PDF), purpose="user_data")
    now = later()
    assert reconcile(get_connection(), now=now, dry_run=True).gone == (gone,)
    assert states() == ["there", "there"]
    found = reconcile(get_connection(), now=now)
    assert (found.gone, found.unlisted) == ((gone,), 1)
    gone.refresh_from_db()
    kept.refresh_from_db()
    assert (gone.state, gone.deleted, kept.state) == ("deleted", now, "there")
    assert reconcile(get_connection(), now=now).gone == ()


def test_of_another_connection_nothing_is_said(provider):
    upload()
    UploadedFile.objects.update(connection="elsewhere", provider_id="file-9")
    found = reconcile(get_connection(), now=later())
    assert (found.gone, found.unlisted, states()) == ((), 1, ["there"])


def test_a_list_in_many_pages_is_read_to_its_end(provider):
    files = [upload(number) for number in range(1, 6)]
    ids = [file.provider_id for file in files]

    def two_at_a_time(request):
        begin = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = [
            {"id": file.provider_id, "filename": file.sent_name, "bytes": file.size, "expires_at": None}
            for file in files[begin : begin + 2]
        ]
        body = {"object": "list", "data": page, "has_more": begin + 2 < len(files)}
        return Raw(json.dumps(body).encode(), content_type="application/json")

    provider.when(is_list, two_at_a_time)
    UploadedFile.objects.update(state="unknown", provider_id="")
    assert set(reconcile(get_connection(), now=later()).arrived) == set(files)
    assert len([request for request in provider.requests if is_list(request)]) == 3


def test_a_list_without_an_end_is_not_followed(provider):
    page = b'{"data": [{"id": "file-1", "filename": "x", "bytes": 1}], "has_more": true}'
    provider.when(is_list, Raw(page, content_type="application/json"))
    assert reconcile(get_connection(), now=later()).unlisted == 1
    assert len(provider.requests) == 2


@pytest.mark.parametrize("reply", [Status(401), CutJson(), Html(), Raw(b"[]"), Raw(b'{"data": [{"id": 1}]}')])
def test_without_a_list_nothing_is_written(provider, reply):
    upload()
    provider.when(is_list, reply)
    with pytest.raises(GatewayError):
        reconcile(get_connection(), now=later())
    assert states() == ["there"]


def test_what_has_expired_is_forgotten(provider):
    short, long, kept = upload(1, expires_after=3600), upload(2, expires_after=7200), upload(3)
    assert expire(timezone.now()).count == 0
    # Its provider has not thought of it by itself.
    done = expire(timezone.now() + timedelta(seconds=3601))
    assert (done.count, done.failures, states()) == (1, (), ["deleted", "there", "there"])
    assert names_there(provider) == [long.sent_name, kept.sent_name]
    # And here it has.
    get_openai_client().sdk.files.delete(long.provider_id)
    assert expire(timezone.now() + timedelta(days=400)).sentence() == "1 file is deleted."
    assert states() == ["deleted", "deleted", "there"]
    assert UploadedFile.objects.get(pk=short.pk).deleted is not None


def test_what_has_expired_is_forgotten_a_few_at_a_time(provider):
    for number in (1, 2, 3):
        upload(number, expires_after=3600 * number)
    far = timezone.now() + timedelta(days=2)
    assert (expire(far, most=2).count, sorted(states())) == (2, ["deleted", "deleted", "there"])
    assert (expire(far, most=2).count, states()) == (1, ["deleted"] * 3)


def test_one_that_cannot_be_deleted_stops_no_other(provider):
    first = upload(1, expires_after=3600)
    upload(2, expires_after=3700)
    provider.when(lambda request: is_delete(request) and first.provider_id in request.path, Status(500))
    done = expire(timezone.now() + timedelta(days=1))
    assert (done.count, len(done.failures), states()) == (1, 1, ["there", "deleted"])
    assert done.sentence().startswith("1 file is deleted. 1 is not: 1.pdf: The provider failed (status 500).")


def test_a_connection_that_is_gone_from_the_settings_stops_no_other(provider):
    upload(1, expires_after=3600)
    upload(2, expires_after=3700)
    UploadedFile.objects.filter(name="1.pdf").update(connection="of old")
    done = expire(timezone.now() + timedelta(days=1))
    assert (done.count, states()) == (1, ["there", "deleted"])
    assert "There is no connection 'of old'" in done.failures[0]


def test_a_provider_that_does_not_answer_is_asked_once(provider):
    for number in (1, 2, 3):
        upload(number, expires_after=3600)
    provider.when(is_delete, Disconnect())
    done = expire(timezone.now() + timedelta(days=1))
    assert (done.count, len(done.failures), states()) == (0, 3, ["there"] * 3)
    assert len([request for request in provider.requests if is_delete(request)]) == 1
    provider.stop()
    assert len(expire(timezone.now() + timedelta(days=1)).failures) == 3

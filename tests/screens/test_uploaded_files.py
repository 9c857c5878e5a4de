"""The list of uploaded files, as people see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aiops import get_openai_client
from aiops.files.models import UploadedFile
from aiops.gateway.testing import Status
from tests.screens.rows import make_file

LIST = "/admin/aiops/uploadedfile/"
PDF = b"%PDF-1.7\n"
DELETER = ("aiops.view_uploadedfile", "aiops.delete_uploadedfile")


def page_of(file):
    return reverse("admin:aiops_uploadedfile_change", args=(file.pk,))


def press(client, *files, confirmed=False):
    form = {"action": "delete_there", "_selected_action": [file.pk for file in files]}
    return client.post(LIST, form | ({"confirmed": "yes"} if confirmed else {}), follow=True).content.decode()


@pytest.fixture
def uploaded(provider, db):
    client = get_openai_client()
    return [client.upload_file(PDF + bytes([10] * number), name=f"{number}.pdf") for number in (1, 2)]


def test_the_list_says_what_to_do_while_it_is_empty(boss):
    html = boss.get(LIST).content.decode()
    assert "No file has been uploaded yet." in html and "upload_file" in html


def test_the_list_shows_what_is_where_until_when_and_whose(boss):
    make_file(owner=boss.user, expires=timezone.now() + timedelta(days=9))
    make_file(state="unknown", provider_id="", name="<b>odd</b>.pdf")
    html = boss.get(LIST).content.decode()
    for shown in ("contract of Ada.pdf", "1.2\xa0MB", boss.user.username, "aiops-there", "aiops-unknown"):
        assert shown in html
    assert "&lt;b&gt;odd" in html and "<b>odd" not in html
    assert (timezone.now() + timedelta(days=9)).isoformat()[:10] in html


@pytest.mark.parametrize("state", UploadedFile.State.values)
def test_every_state_has_a_page_with_a_word_and_a_mark(boss, state):
    file = make_file(state=state, error="The provider failed (status 500).")
    for address in (LIST, page_of(file)):
        assert f"aiops-{state}" in boss.get(address).content.decode()
    html = boss.get(page_of(file)).content.decode()
    assert ("uploaded_files reconcile" in html) is (state in ("uploading", "unknown"))
    assert ("Delete at the provider" in html) is (state == "there")
    assert "The provider failed (status 500)." in html
    assert file.sent_name in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state__exact=there", 1),
        ("state__exact=deleted", 0),
        ("connection=other", 1),
        ("connection=nowhere", 0),
        ("q=contract", 1),
        ("q=file-other", 1),
        ("q=nonsense", 0),
    ],
)
def test_the_list_can_be_narrowed(boss, query, found):
    make_file()
    make_file(state="failed", connection="other", name="x.pdf", provider_id="file-other")
    assert len(boss.get(f"{LIST}?{query}").context["cl"].result_list) == found


def test_nobody_can_guess_what_the_list_does_not_show(boss):
    make_file()
    assert boss.get(LIST, {"owner__password__startswith": "a"}).status_code == 400


def test_the_list_takes_as_many_queries_for_many_files_as_for_one(boss, django_assert_num_queries):
    make_file(owner=boss.user)
    boss.get(LIST)
    # Session, user, count, keys, rows, stops.
    with django_assert_num_queries(6):
        boss.get(LIST)
    for number in range(30):
        make_file(owner=User.objects.create_user(f"owner {number}"))
    with django_assert_num_queries(6):
        boss.get(LIST)


def test_a_page_takes_few_queries(boss, django_assert_num_queries):
    file = make_file(owner=boss.user)
    # Session, user, file, owner.
    with django_assert_num_queries(5):
        boss.get(page_of(file))


def test_files_are_deleted_at_the_second_press(sign_in, uploaded, provider):
    client = sign_in(*DELETER)
    sent = len(provider.requests)
    html = press(client, *uploaded)
    assert "These 2 files are deleted where they were uploaded to." in html
    assert "1.pdf" in html and "2.pdf" in html
    assert len(provider.requests) == sent
    assert "2 files are deleted." in press(client, *uploaded, confirmed=True)
    assert {file.state for file in UploadedFile.objects.all()} == {"deleted"}
    assert list(get_openai_client().sdk.files.list()) == []


def test_what_is_pressed_on_a_page_is_asked_as_well(sign_in, uploaded):
    client = sign_in(*DELETER)
    html = client.get(page_of(uploaded[0])).content.decode()
    assert f'<form method="post" action="{LIST}">' in html
    assert "This file is deleted where it was uploaded to." in press(client, uploaded[0])


def test_what_could_not_be_deleted_is_said(sign_in, uploaded, provider):
    provider.when(lambda request: uploaded[0].provider_id in request.path, Status(401))
    html = press(sign_in(*DELETER), *uploaded, confirmed=True)
    assert "1 file is deleted. 1 is not: 1.pdf: The provider refuses the key (status 401)." in html
    assert sorted(file.state for file in UploadedFile.objects.all()) == ["deleted", "there"]


def test_who_may_only_look_cannot_delete(sign_in, uploaded, provider):
    client = sign_in("aiops.view_uploadedfile")
    sent = len(provider.requests)
    press(client, *uploaded, confirmed=True)
    assert "Delete at the provider" not in client.get(LIST).content.decode()
    assert "Delete at the provider" not in client.get(page_of(uploaded[0])).content.decode()
    assert len(provider.requests) == sent
    assert UploadedFile.objects.there().count() == 2


def test_a_look_or_a_press_without_its_token_deletes_nothing(sign_in, uploaded, provider):
    client = sign_in(*DELETER)
    form = {"action": "delete_there", "_selected_action": uploaded[0].pk, "confirmed": "yes"}
    client.get(LIST, form)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(LIST, form).status_code == 403
    assert UploadedFile.objects.there().count() == 2


def test_more_than_can_be_waited_for_are_not_deleted_at_once(sign_in, provider):
    files = [make_file(provider_id=f"file-{number}") for number in range(51)]
    html = press(sign_in(*DELETER), *files, confirmed=True)
    assert "At most 50 files are deleted at once" in html
    assert provider.requests == []


@pytest.mark.django_db(transaction=True)
def test_a_site_whose_requests_are_transactions_is_told_so(sign_in, uploaded, settings):
    from django.db import connection

    client = sign_in(*DELETER)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        html = press(client, *uploaded, confirmed=True)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert "A call may not be made inside a transaction" in html
    assert UploadedFile.objects.there().count() == 2

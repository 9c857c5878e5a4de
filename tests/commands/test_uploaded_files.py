"""`manage.py uploaded_files`, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from aiops import get_openai_client
from aiops.files.models import UploadedFile
from aiops.gateway.testing import Status

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n"
LONG_AGO = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def files(provider, settings):
    """Two files, uploaded long ago; the second has expired."""
    settings.TIME_ZONE = "UTC"
    client = get_openai_client()
    bill = client.upload_file(PDF, name="bill.pdf", by=User.objects.create_user("ada"))
    letter = client.upload_file(PDF + bytes([10] * 3000), name="letter.pdf")
    UploadedFile.objects.update(created=LONG_AGO)
    UploadedFile.objects.filter(pk=letter.pk).update(expires=LONG_AGO + timedelta(days=1))
    return bill, letter


@pytest.fixture
def run(capsys):
    def ran(*args):
        call_command("uploaded_files", *map(str, args))
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    return ran


def refused(*args):
    with pytest.raises(CommandError) as caught:
        call_command("uploaded_files", *map(str, args))
    return caught.value.returncode, str(caught.value)


def test_the_list_says_what_there_is(run, files):
    bill, letter = (str(file.pk) for file in files)
    width = max(len("file"), len(bill), len(letter))
    assert run("list") == (
        f"{'file'.rjust(width)}  state     size  expires                 connection  owner  name\n"
        f"{letter.rjust(width)}  there   2.9 KB  2026-03-02 12:30+00:00  default     –      letter.pdf\n"
        f"{bill.rjust(width)}  there  9 bytes  –                       default     ada    bill.pdf\n"
    )
    assert run("list", "--state", "deleted") == "There is no such file in the list.\n"
    assert "bill.pdf" not in run("list", "--limit", 1)
    assert run("list", "--connection", "local") == "There is no such file in the list.\n"


def test_the_list_is_json_for_scripts(run, files):
    bill, _letter = files
    letter, listed = json.loads(run("list", "--json"))
    assert letter["expires"] == "2026-03-02T12:30:00+00:00"
    assert listed == {
        "id": bill.pk,
        "connection": "default",
        "provider_id": bill.provider_id,
        "name": "bill.pdf",
        "purpose": "user_data",
        "size": 9,
        "sha256": bill.sha256,
        "content_type": "application/pdf",
        "owner": "ada",
        "state": "there",
        "error": "",
        "created": "2026-03-01T12:30:00+00:00",
        "expires": None,
        "deleted": None,
    }


def test_files_are_deleted_by_their_numbers(run, files, provider):
    numbers = [file.pk for file in files]
    assert run("delete", numbers[0], "--dry-run").endswith("  bill.pdf\nNothing was deleted (dry run).\n")
    assert UploadedFile.objects.there().count() == 2
    assert run("delete", *numbers) == "2 files are deleted.\n"
    assert run("delete", numbers[0]) == "1 file is deleted.\n"
    assert not UploadedFile.objects.there().exists()
    assert json.loads(run("delete", numbers[0], "--json")) == {"deleted": 1, "failures": []}


def test_what_could_not_be_deleted_ends_with_one(files, provider):
    bill, letter = files
    provider.when(lambda request: bill.provider_id in request.path, Status(401))
    code, sentence = refused("delete", bill.pk, letter.pk)
    assert code == 1
    assert sentence.startswith("1 file is deleted. 1 is not: bill.pdf: The provider refuses the key (status 401).")


def test_what_has_expired_is_forgotten(run, files):
    bill, _letter = files
    assert "letter.pdf" in run("expire", "--dry-run")
    assert run("expire", "--connection", "local") == "0 files are deleted.\n"
    assert run("expire") == "1 file is deleted.\n"
    assert list(UploadedFile.objects.there()) == [bill]


def test_what_is_really_there_is_found_out(run, files, provider):
    bill, letter = files
    get_openai_client().sdk.files.delete(letter.provider_id)
    UploadedFile.objects.filter(pk=bill.pk).update(state="unknown", provider_id="")
    lines = (
        "default: 1 found, 0 never arrived, 1 gone, 0 not in this list\n"
        f"  {bill.pk} bill.pdf is there\n"
        f"  {letter.pk} letter.pdf is gone\n"
    )
    assert run("reconcile", "--dry-run") == f"{lines}Nothing was changed (dry run).\n"
    assert UploadedFile.objects.get(pk=bill.pk).state == "unknown"
    assert run("reconcile") == lines
    assert [file.state for file in UploadedFile.objects.order_by("pk")] == ["there", "deleted"]
    assert json.loads(run("reconcile", "--connection", "default", "--json")) == [
        {"connection": "default", "arrived": [], "never_arrived": [], "gone": [], "unlisted": 0}
    ]


def test_where_nothing_was_uploaded_nobody_is_asked(run, provider):
    assert run("reconcile") == "Nothing was ever uploaded.\n"
    assert provider.requests == []


def test_a_provider_that_does_not_answer_ends_with_one(files, provider):
    provider.when(lambda request: request.method == "GET", Status(401))
    assert refused("reconcile")[0] == 1


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["delete"], "Name the files by their numbers, as in: manage.py uploaded_files delete 7"),
        (["delete", "999999"], "The list has no file 999999: see manage.py uploaded_files list."),
        (["list", "7"], "Numbers of files belong to delete, as in: manage.py uploaded_files delete 7"),
        (["reconcile", "--connection", "nowhere"], "There is no connection 'nowhere'"),
        (["expire", "--connection", "nowhere"], "There is no connection 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_refused(files, args, sentence):
    code, said = refused(*args)
    assert code == 2
    assert said.startswith(sentence)

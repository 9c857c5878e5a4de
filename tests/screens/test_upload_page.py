"""A prompt on a file: choose, see the quote, confirm."""

from __future__ import annotations

import io
import os
import re
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django_q.models import OrmQ

from aiops.jobs.models import Item, Job
from aiops.jobs.upload_page.kept import DIRECTORY
from prompts.models.label import move_label

PAGE = "/admin/aiops/job/run-file/"
pytestmark = pytest.mark.usefixtures("provider")
CSV = b"Text,Language\nWhere is my money?,en\nWo ist mein Geld?,de\n"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def triage(version):
    move_label(version, "production", by=None)
    return version


@pytest.fixture
def runner(sign_in, triage):
    return sign_in("aiops.view_job", "aiops.run_job")


def choices(data: bytes | None = CSV, name: str = "questions.csv", **changes: object) -> dict[str, object]:
    file = {} if data is None else {"file": SimpleUploadedFile(name, data)}
    return {"step": "quote", "prompt": "triage-ticket", "version": "production", "connection": ""} | file | changes


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))


def waiting(media) -> list[str]:
    return sorted(path.name for path in (media / DIRECTORY).glob("*"))


def test_the_list_of_jobs_leads_to_it(runner, sign_in):
    assert PAGE in runner.get("/admin/aiops/job/").content.decode()
    assert PAGE not in sign_in("aiops.view_job").get("/admin/aiops/job/").content.decode()


def test_without_a_prompt_it_says_what_is_missing(boss):
    assert "There is no prompt yet" in boss.get(PAGE).content.decode()


def test_from_file_to_job(runner, media):
    assert 'enctype="multipart/form-data"' in runner.get(PAGE).content.decode()
    quoted = runner.post(PAGE, choices()).content.decode()
    assert "2 rows of questions.csv, 2 unique" in quoted
    assert "<strong>text</strong>" in quoted and "language" not in quoted
    assert Job.objects.count() == 0 and len(waiting(media)) == 1
    answer = runner.post(PAGE, hidden(quoted) | {"step": "run"})
    job = Job.objects.get()
    assert answer.headers["Location"] == reverse("admin:aiops_job_change", args=(job.pk,))
    assert job.user == runner.user
    assert job.source["name"] == "questions.csv"
    assert list(Item.objects.order_by("position").values_list("variables", flat=True)) == [
        {"text": "Where is my money?", "language": "en"},
        {"text": "Wo ist mein Geld?", "language": "de"},
    ]
    assert OrmQ.objects.count() == 1
    assert waiting(media) == []


def test_a_file_waits_in_the_storage_for_it_where_there_is_one(runner, media, settings, tmp_path_factory):
    apart = tmp_path_factory.mktemp("apart")
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    settings.STORAGES = settings.STORAGES | {"aiops": local | {"OPTIONS": {"location": apart}}}
    quoted = runner.post(PAGE, choices()).content.decode()
    assert waiting(media) == [] and len(waiting(apart)) == 1
    runner.post(PAGE, hidden(quoted) | {"step": "run"})
    assert Job.objects.count() == 1 and waiting(apart) == []


def test_two_presses_start_one_job(runner):
    form = hidden(runner.post(PAGE, choices()).content.decode()) | {"step": "run"}
    first = runner.post(PAGE, form)
    again = runner.post(PAGE, form, follow=True)
    assert Job.objects.count() == 1
    assert again.redirect_chain[0][0] == first.headers["Location"]
    assert "Nothing was started twice." in again.content.decode()


def test_what_was_quoted_is_what_runs(runner, triage):
    form = hidden(runner.post(PAGE, choices()).content.decode()) | {"step": "run"}
    move_label(
        triage.prompt.add_version(messages=[{"role": "user", "content": "New: {{ text }}"}]), "production", by=None
    )
    runner.post(PAGE, form)
    assert Job.objects.get().version == triage


def test_another_file_than_the_quoted_is_quoted_anew(runner):
    form = hidden(runner.post(PAGE, choices()).content.decode()) | {"step": "run"}
    other = SimpleUploadedFile("questions.csv", CSV.replace(b"Where", b"Here"))
    again = runner.post(PAGE, form | {"file": other}).content.decode()
    assert "These are other rows than those that were quoted" in again
    assert Job.objects.count() == 0
    runner.post(PAGE, hidden(again) | {"step": "run"})
    assert Item.objects.get(position=1).variables["text"] == "Here is my money?"


def test_back_keeps_the_file(runner):
    quoted = hidden(runner.post(PAGE, choices()).content.decode())
    back = runner.post(PAGE, quoted | {"step": "choose"}).content.decode()
    assert "questions.csv is here already" in back
    again = choices(None, kept=hidden(back)["kept"])
    assert "2 rows of questions.csv" in runner.post(PAGE, again).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": None}, "Choose a file."),
        ({"data": b""}, "The submitted file is empty."),
        ({"data": b"Text\n"}, "has names of columns and no rows"),
        ({"data": b"Text\n\xff\xfe\xfa\n"}, "questions.csv"),
        ({"data": b"Question\nhello\n"}, "text"),
        ({"name": "questions.pdf"}, "ends in .csv, .tsv, .json or .xlsx"),
        ({"version": "staging"}, "staging"),
        ({"version": "99"}, "99"),
        ({"prompt": "nonsense"}, "Select a valid choice"),
        ({"connection": "nowhere"}, "Select a valid choice"),
        ({"data": None, "kept": "forged"}, "The file is no longer here: choose it again."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_started(runner, changes, sentence):
    answer = runner.post(PAGE, choices(**changes))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in html and "Nothing was started and nothing was sent." in html
    assert Job.objects.count() == 0 and OrmQ.objects.count() == 0


def test_a_forged_file_is_refused_at_the_last_step_too(runner):
    form = hidden(runner.post(PAGE, choices()).content.decode()) | {"step": "run", "kept": "forged"}
    assert "choose it again" in runner.post(PAGE, form).content.decode()
    assert Job.objects.count() == 0


def test_nobody_runs_the_file_of_somebody_else(runner, sign_in):
    form = hidden(runner.post(PAGE, choices()).content.decode()) | {"step": "run"}
    other = sign_in("aiops.view_job", "aiops.run_job")
    assert "The file is no longer here" in other.post(PAGE, form).content.decode()
    assert Job.objects.count() == 0


def test_files_that_nobody_confirmed_are_swept_away(runner, media):
    (media / DIRECTORY).mkdir()
    old = media / DIRECTORY / "old"
    old.write_bytes(CSV)
    long_ago = time.time() - 2 * 86_400
    os.utime(old, (long_ago, long_ago))
    runner.post(PAGE, choices())
    assert not old.exists()
    assert len(waiting(media)) == 1


def test_a_workbook(runner):
    from openpyxl import Workbook

    book, file = Workbook(), io.BytesIO()
    book.active.append(["Text"])
    book.active.append(["Where is my money?"])
    book.save(file)
    html = runner.post(PAGE, choices(file.getvalue(), "questions.xlsx")).content.decode()
    assert "1 row of questions.xlsx" in html

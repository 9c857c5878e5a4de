"""What is not uploaded: refused in one sentence, before anything is written or sent."""

from __future__ import annotations

import os

import pytest
from django.core.files.base import ContentFile, File

from aiops.files.kinds import KINDS
from aiops.files.models import UploadedFile
from aiops.files.names import harmless_name
from tests.files.conftest import PDF, office

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
GOOD = {
    "csv": "name,größe\nAda,3\n".encode(),
    "docx": office("word"),
    "gif": b"GIF89a" + bytes(20),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(20),
    "jpg": b"\xff\xd8\xff\xe0" + bytes(20),
    "json": b'\xef\xbb\xbf\n {"a": 1}',
    "jsonl": b'{"a": 1}\n{"a": 2}\n',
    "md": b"# Title\n\n<b>bold</b>\n",
    "pdf": PDF,
    "png": PNG,
    "pptx": office("ppt"),
    "tsv": b"a\tb\n",
    "txt": b"1 < 2, and <html> is a tag",
    "webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "xlsx": office("xl"),
}


@pytest.mark.parametrize("ending", sorted(KINDS))
def test_every_kind_is_taken(call, ending):
    file = call("upload_file", GOOD[ending], name=f"a.{ending.upper()}")
    assert (file.state, file.content_type) == ("there", KINDS[ending].content_type)


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        *((ending, b"%!PS" + bytes(3000)) for ending in ("pdf", "png", "jpg", "jpeg", "gif", "webp", "docx", "xlsx")),
        ("docx", office("xl")),
        ("xlsx", office("word")),
        ("pptx", office("word")),
        ("docx", b"PK\x03\x04" + bytes(100)),
        ("json", b"hello"),
        ("jsonl", b"[1]"),
        ("jsonl", b"a,b\n"),
    ],
)
def test_every_kind_is_held_to_what_is_in_it(call, provider, ending, content):
    with pytest.raises(ValueError, match=f"“a.{ending}” is no {ending.upper()} file: what is in it is something else"):
        call("upload_file", content, name=f"a.{ending}")
    assert provider.requests == []
    assert not UploadedFile.objects.exists()


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.pdf", "The file is empty."),
        (PDF, "a.exe", "“a.exe” is of no kind that is uploaded: its name must end in csv, docx, gif"),
        (PDF, "pdf", "“pdf” is of no kind that is uploaded"),
        (PDF, "..", "“” is of no kind that is uploaded"),
        (b"MZ\x90\x00", "", "The file has no name: give one, with the ending that says what it is."),
        ("Grüße".encode("latin-1"), "a.txt", "“a.txt” is no text in UTF-8: save it as that."),
        (b"a\0b", "a.csv", "“a.csv” is no text in UTF-8"),
        (b"a" * (1 << 20) + "€".encode()[:2], "a.txt", "“a.txt” is no text in UTF-8"),
        (7, "a.pdf", "The file is of type int: give bytes, a path or a file."),
        (None, "a.pdf", "The file is of type NoneType: give bytes, a path or a file."),
    ],
)
def test_it_is_refused_in_a_sentence(call, provider, content, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("upload_file", content, name=name)
    assert provider.requests == []
    assert not UploadedFile.objects.exists()


@pytest.mark.parametrize("ending", ["txt", "md", "csv", "html", "svg", "json", "png"])
@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><p>",
        b"\xef\xbb\xbf  \n<HTML>",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0'?><svg/>",
        b"<!-- a -->\n<!-- b --> <script>alert(1)</script>",
    ],
)
def test_what_a_browser_would_run_is_refused_whatever_it_is_called(call, content, ending):
    with pytest.raises(ValueError, match="holds HTML, SVG or XML, which is not uploaded: make it a PDF"):
        call("upload_file", content, name=f"a.{ending}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"purpose": ""}, "The purpose is : give a word, such as user_data."),
        ({"purpose": "a\r\nb"}, "give a word"),
        ({"name": 7}, "The name is 7: give a text."),
        ({"expires_after": 60}, "after one hour at the earliest"),
        ({"expires_after": 1e9}, "after 30 days at the latest"),
        ({"expires_after": float("nan")}, "give a timedelta, or seconds"),
        ({"expires_after": "tomorrow"}, "expires_after is 'tomorrow': give a timedelta, or seconds."),
        ({"most_bytes": 5}, "at most 5\xa0bytes are uploaded: divide it, or raise most_bytes."),
        ({"most_bytes": 1 << 30}, "most_bytes must be from 1 to what a provider takes, 512.0\xa0MB."),
        ({"timeout": -1}, "timeout is -1: give seconds above zero."),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call, provider, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("upload_file", PDF, **arguments)
    assert provider.requests == []
    assert not UploadedFile.objects.exists()


def test_a_path_that_is_no_file_is_refused(call, tmp_path):
    os.mkfifo(tmp_path / "pipe.pdf")
    for path in (tmp_path / "gone.pdf", str(tmp_path), tmp_path / "pipe.pdf", "a\0.pdf"):
        with pytest.raises(ValueError, match="” is no file that is there"):
            call("upload_file", path)


def test_a_file_that_is_open_for_text_is_refused(call, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("text")
    with path.open() as file, pytest.raises(ValueError, match="open it for bytes"):
        call("upload_file", File(file))
    with pytest.raises(ValueError, match="open it for bytes"):
        call("upload_file", ContentFile("text", name="a.txt"))


@pytest.mark.parametrize(
    ("given", "harmless"),
    [
        ("Report.PDF", "Report.PDF"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\Ada\bill.pdf", "bill.pdf"),
        ('a"b\r\nX-Header: 1.pdf', "a b X-Header 1.pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("a\ud800\0.txt", "a .txt".replace(" .", ".")),
        ("  ..hidden.txt ", "hidden.txt"),
        ("Gru\u0308\u00dfe.txt", "Gr\u00fc\u00dfe.txt"),
        ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
        ("x." + "y" * 300, ("x." + "y" * 300)[:100]),
        ("...", ""),
        ("", ""),
    ],
)
def test_names_are_made_harmless(given, harmless):
    assert harmless_name(given) == harmless

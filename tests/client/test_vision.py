"""Questions about images, however the shop has them."""

import base64
import hashlib
import io
import json
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.db.models.fields.files import FieldFile

from aiops import Image, OpenAIIncompleteError
from aiops.calls.models import Call
from aiops.gateway.testing import Refusal
from aiops.ledger.models import BudgetPeriod

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x00" * 40
GIF = b"GIF89a" + b"\x00" * 40
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"\x00" * 40
ENCODED = base64.b64encode(PNG).decode()
MANY = 21 * 1024 * 1024


def images_sent(provider, number=0):
    """(source, detail) of each image, whichever interface it was sent by."""
    body = provider.requests[number].body
    parts = body["messages"][0]["content"] if "messages" in body else body["input"][0]["content"]
    found = []
    for part in parts[1:]:
        image = part["image_url"] if part["type"] == "image_url" else part
        found.append((image.get("url") or image.get("image_url") or image.get("file_id"), image["detail"]))
    return found


def uri(data, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.fixture
def png(tmp_path):
    """The path of an image."""
    path = tmp_path / "receipt.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "base64", "wrapped", "uri", "path", "text path", "file", "io"])
def test_an_image_may_come_in_any_form(api, call, provider, png, kind):
    provider.reply_with("A dot.")
    source = {
        "bytes": PNG,
        "bytearray": bytearray(PNG),
        "base64": ENCODED,
        "wrapped": ENCODED[:40] + "\n" + ENCODED[40:],
        # What it really is counts, not what it says.
        "uri": uri(PNG, "image/jpeg"),
        "path": png,
        "text path": str(png),
        "file": ContentFile(PNG, "receipt.png"),
        "io": io.BytesIO(PNG),
    }[kind]
    made = call("create_with_vision", "What is this?", source)
    assert made.choices[0].message.content == "A dot."
    assert images_sent(provider) == [(uri(PNG), "auto")]
    assert provider.requests[0].text.startswith("What is this?")


@pytest.mark.parametrize(("data", "kind"), [(JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp"), (PNG, "png")])
def test_what_providers_can_see_is_sent_as_what_it_is(call, provider, budget, data, kind):
    call("create_with_vision", "What is this?", data)
    assert images_sent(provider) == [(uri(data, f"image/{kind}"), "auto")]


def test_several_images_have_details_of_their_own(api, call, provider):
    images = [PNG, (JPEG, "low"), Image(GIF, "high"), Image(WEBP)]
    call("create_with_vision", "What are these?", images, detail="low")
    assert images_sent(provider) == [
        (uri(PNG), "low"),
        (uri(JPEG, "image/jpeg"), "low"),
        (uri(GIF, "image/gif"), "high"),
        (uri(WEBP, "image/webp"), "auto"),
    ]
    call("create_with_vision", "And this?", (JPEG, "high"))
    assert images_sent(provider, 1) == [(uri(JPEG, "image/jpeg"), "high")]


def test_a_file_is_left_as_it_was_found(call, provider, budget, png):
    uploaded = SimpleUploadedFile("receipt.png", PNG)
    with png.open("rb") as opened:
        uploaded.read(3)
        opened.read(5)
        call("create_with_vision", "What are these?", [uploaded, opened])
        assert images_sent(provider) == [(uri(PNG), "auto")] * 2
        assert (uploaded.closed, uploaded.tell()) == (False, 3)
        assert (opened.closed, opened.tell()) == (False, 5)


def test_the_log_keeps_size_and_hash_and_no_bytes(api, call, provider):
    large = PNG + bytes(10_000)
    call("create_with_vision", "What are these?", [PNG, large])
    kept = json.dumps(Call.objects.get().messages)
    for data in (PNG, large):
        assert f"{len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}" in kept
    assert ENCODED not in kept
    assert ENCODED[:40] not in kept


def test_a_model_that_will_not_look_is_an_error(api, call, provider):
    provider.reply_with(Refusal("I can't identify people."))
    with pytest.raises(OpenAIIncompleteError) as caught:
        call("create_with_vision", "Who is this?", PNG)
    assert caught.value.kind == "refused"
    assert caught.value.completion.choices[0].message.refusal == "I can't identify people."
    row = Call.objects.get()
    assert (row.status, row.error_kind) == ("failed", "refused")
    assert BudgetPeriod.objects.get().settled == row.cost > 0


def test_an_uploaded_file_is_seen_by_responses_only(api, call, provider):
    if api == "responses":
        call("create_with_vision", "What is this?", "file-abc123")
        assert images_sent(provider) == [("file-abc123", "auto")]
    else:
        with pytest.raises(ValueError, match="speaks Chat Completions, which takes no uploaded image: give its bytes"):
            call("create_with_vision", "What is this?", "file-abc123")
        assert not Call.objects.exists()


def test_the_original_is_looked_at_by_responses_only(api, call, provider):
    if api == "responses":
        call("create_with_vision", "What is this?", PNG, "original")
        assert images_sent(provider) == [(uri(PNG), "original")]
    else:
        with pytest.raises(ValueError, match="which knows no detail “original”: use “high”"):
            call("create_with_vision", "What is this?", [PNG, (PNG, "original")])
        assert provider.requests == []


NO_FILE = FieldFile(None, models.FileField(), "")


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (b"", "Image 1 is empty."),
        (b"no image at all", "Image 1 is no PNG, JPEG, GIF or WebP."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Image 1 is no PNG"),
        (b"<!doctype html><html></html>", "Image 1 is no PNG"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "Image 1 is no PNG"),
        ([PNG, b"%PDF-1.7"], "Image 2 is no PNG"),
        (PNG + bytes(MANY), "Image 1 is larger than 20 MiB: make it smaller."),
        (bytes(50 * 1024 * 1024), "Image 1 is larger than 20 MiB"),
        ("A" * 60_000_000, "Image 1 is larger than 20 MiB"),
        (Path("/nowhere/at/all.png"), "Image 1 cannot be read: No such file or directory."),
        ("/nowhere/at/all.png", "Image 1 is neither a file that is there nor base64."),
        (Path("/"), "Image 1 is no file."),
        (Path("/dev/zero"), "Image 1 is no file."),
        ("not base64!", "Image 1 is neither a file that is there nor base64."),
        ("", "Image 1 is empty."),
        ("nul\0.png", "Image 1 is neither a file that is there nor base64."),
        (uri(b"<svg/>", "image/svg+xml"), "Image 1 is no PNG"),
        (uri(b"Hello", "text/plain"), "Image 1 is no PNG"),
        ("data:image/png;base64,!!!!", "Image 1 is neither"),
        ("data:text/plain,Hello", "Image 1 is a data URI without base64"),
        (io.StringIO("text"), "Image 1 is open as text: open it with mode “rb”."),
        (NO_FILE, "Image 1 is a field without a file."),
        (7, "Image 1 is of type int: give bytes, base64, a path, a file or an address."),
        (None, "Image 1 is of type NoneType"),
        ([], "There is no image: give at least one."),
        ([[PNG]], "Image 1 is of type list"),
        ([(PNG, "huge")], "Image 1 is of type tuple"),
        (Image(PNG, "huge"), "The detail of image 1 is 'huge': use low, high, auto, original."),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_is_no_image_is_refused_with_a_sentence(call, provider, budget, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("create_with_vision", "What is this?", images)
    assert provider.requests == []
    assert not Call.objects.exists()


@pytest.mark.parametrize("prompt", ["", " \n", None, 7])
def test_a_question_about_an_image_is_needed(call, provider, budget, prompt):
    with pytest.raises(ValueError, match="The prompt is empty: say what is to be seen"):
        call("create_with_vision", prompt, PNG)


@pytest.fixture
def hosts(settings, provider):
    """The shop's own hosts, from which a provider may fetch."""
    settings.AIOPS = {**settings.AIOPS, "IMAGE_HOSTS": ["Example.com", ".shop.example", "xn--bcher-kva.example"]}


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a.png",
        "HTTPS://EXAMPLE.com:443/a.png?b=c#d",
        "https://example.com./a.png",
        "https://img.shop.example/a.png",
        "https://xn--bcher-kva.example/a.png",
        "https://example.com/%2e%2e/a@b.png",
    ],
)
def test_an_address_is_sent_where_its_host_is_allowed(api, call, provider, hosts, address):
    call("create_with_vision", "What is this?", address)
    assert images_sent(provider) == [(address, "auto")]


PLAIN = "has an address that is not plain https: give the bytes"
ELSEWHERE = r"which AIOPS\['IMAGE_HOSTS'\] does not name"
NONE = "has an address that is none"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://example.com/a.png", PLAIN),
        ("ftp://example.com/a.png", PLAIN),
        ("file:///etc/passwd", NONE),
        ("https://example.com:8443/a.png", PLAIN),
        ("https://user@example.com/a.png", PLAIN),
        ("https://user:secret@example.com/a.png", PLAIN),
        ("https://@example.com/a.png", PLAIN),
        ("https://example.com@evil.example/a.png", PLAIN),
        ("https://evil.example/a.png", ELSEWHERE),
        ("https://example.com.evil.example/a.png", ELSEWHERE),
        ("https://notexample.com/a.png", ELSEWHERE),
        ("https://evilshop.example/a.png", ELSEWHERE),
        ("https://shop.example/a.png", ELSEWHERE),
        ("https://bücher.example/a.png", NONE),
        ("https://example。com/a.png", NONE),
        ("https://ｅxample.com/a.png", NONE),
        ("https://example.com../a.png", NONE),
        ("https://evil.example\\.shop.example/a.png", NONE),
        ("https://evil.example\\@example.com/a.png", NONE),
        ("https:\\\\evil.example/a.png", NONE),
        ("https:/\\evil.example/a.png", NONE),
        ("https://evil.example\t.shop.example/a.png", NONE),
        ("https://evil.example%2f.shop.example/a.png", NONE),
        ("https://evil.example;.shop.example/a.png", NONE),
        ("https://exam\nple.com/a.png", NONE),
        (" https://example.com/a.png", NONE),
        ("https:///a.png", NONE),
        ("https://[::1]/a.png", NONE),
        ("https://[example.com/a.png", NONE),
        ("https://example.com:port/a.png", NONE),
        ("https://127.0.0.1/a.png", ELSEWHERE),
        ("https://2130706433/a.png", ELSEWHERE),
        ("https://169.254.169.254/latest/meta-data", ELSEWHERE),
        ("https://localhost/a.png", ELSEWHERE),
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(call, provider, hosts, budget, address, sentence):
    with pytest.raises(ValueError, match=f"Image 1 .*{sentence}"):
        call("create_with_vision", "What is this?", address)
    assert provider.requests == []


def test_no_address_is_allowed_where_nobody_said_so(call, provider, budget):
    with pytest.raises(ValueError, match=r"lies at example.com, which AIOPS\['IMAGE_HOSTS'\] does not name"):
        call("create_with_vision", "What is this?", "https://example.com/a.png")

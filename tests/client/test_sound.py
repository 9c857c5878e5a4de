"""Sound into words, and words into sound."""

import base64
import hashlib
import io
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from aiops import OpenAIIncompleteError, OpenAITransportError, RetryPolicy
from aiops.calls.models import Call
from aiops.gateway.stand_in.waves import wav
from aiops.gateway.testing import Answer, Raw, Status
from aiops.ledger.models import BudgetPeriod

SPOKEN = wav(2)
SSE = "text/event-stream"


@pytest.fixture
def recording(tmp_path):
    """The path of a recording."""
    path = tmp_path / "Anruf.wav"
    path.write_bytes(SPOKEN)
    return path


@pytest.mark.parametrize("kind", ["bytes", "path", "text path", "file", "upload", "io"])
def test_a_recording_may_come_in_any_form(api, call, provider, recording, kind):
    provider.reply_with("Good morning.")
    source, name = {
        "bytes": (SPOKEN, "recording.wav"),
        "path": (recording, "Anruf.wav"),
        "text path": (str(recording), "Anruf.wav"),
        "file": (ContentFile(SPOKEN), "recording.wav"),
        "upload": (SimpleUploadedFile("note.bin", SPOKEN), "note.bin.wav"),
        "io": (io.BytesIO(SPOKEN), "recording.wav"),
    }[kind]
    assert call("transcribe", source, language="en") == "Good morning."
    asked = provider.requests[0]
    assert (asked.model, asked.body["language"]) == ("gpt-transcribe", "en")
    assert [(file.filename, file.size) for file in asked.files] == [(name, len(SPOKEN))]
    row = Call.objects.get()
    assert (row.operation, row.output) == ("transcription", "Good morning.")
    kept = json.dumps(row.messages)
    assert name in kept
    assert f"{len(SPOKEN):,} bytes, sha256 {hashlib.sha256(SPOKEN).hexdigest()}" in kept


def test_an_upload_stays_open_where_it_was(call, provider, budget):
    upload = SimpleUploadedFile("note.wav", SPOKEN)
    upload.read(7)
    call("transcribe", upload)
    assert (upload.closed, upload.tell()) == (False, 7)


@pytest.mark.parametrize(
    ("model", "usage", "tokens", "milliseconds"),
    [
        ("gpt-transcribe", {"type": "duration", "seconds": 2.5}, 0, 2_500),
        ("whisper-1", {"type": "duration", "seconds": 2}, 0, 2_000),
        (
            "gpt-4o-mini-transcribe",
            {
                "type": "tokens",
                "input_tokens": 30,
                "input_token_details": {"audio_tokens": 20, "text_tokens": 10},
                "output_tokens": 5,
                "total_tokens": 35,
            },
            30,
            0,
        ),
    ],
)
def test_what_was_heard_is_counted_as_it_is_billed(call, provider, budget, model, usage, tokens, milliseconds):
    provider.reply_with(Answer(text="Hello.", usage=usage))
    call("transcribe", SPOKEN, model=model)
    row = Call.objects.get()
    assert (row.tokens_in, row.input_audio_ms) == (tokens, milliseconds)
    assert row.cost == BudgetPeriod.objects.get().settled > 0


@pytest.mark.parametrize("usage", [None, {"type": "duration", "seconds": -1}, {"seconds": True}, {"seconds": 1e300}])
def test_a_count_that_is_none_is_charged_at_its_hold(call, provider, budget, usage):
    provider.reply_with(Raw(json.dumps({"text": "Hello.", "usage": usage}).encode()))
    assert call("transcribe", SPOKEN) == "Hello."
    assert Call.objects.get().cost is None
    period = BudgetPeriod.objects.get()
    assert period.held == 0
    assert period.settled > 0


def test_a_recording_of_nothing_is_an_error(call, provider, budget):
    provider.reply_with("  ")
    with pytest.raises(OpenAIIncompleteError) as caught:
        call("transcribe", SPOKEN)
    assert caught.value.kind == Call.objects.get().error_kind == "empty"


@pytest.mark.parametrize(
    "reply", [Raw(b"{}"), Raw(b'{"text": null}'), Raw(b"[]"), Raw(b"Hello."), Raw(b'{"text": ["a"]}')]
)
def test_what_is_no_transcription_is_never_passed_on(call, provider, budget, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAITransportError, match="The provider's answer is no transcription"):
        call("transcribe", SPOKEN)


@pytest.mark.parametrize(
    ("beginning", "ending"),
    [
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"\xff\xe3\x90", "mp3"),
        (b"OggS\x00", "ogg"),
        (b"fLaC\x00", "flac"),
        (b"\x00\x00\x00\x20ftypM4A ", "m4a"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
    ],
)
def test_a_recording_is_named_by_what_it_is(call, provider, budget, beginning, ending):
    call("transcribe", beginning + bytes(2_000))
    assert provider.requests[0].files[0].filename == f"recording.{ending}"


@pytest.mark.parametrize(
    ("audio", "sentence"),
    [
        (b"", "The recording is empty."),
        (b"no sound", "The recording is none of flac, m4a"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "The recording is none of"),
        (b"\x00\x00\x00\x20ftypheic", "The recording is none of"),
        (b"<svg/>", "The recording is none of"),
        (SPOKEN + bytes(50 * 1024 * 1024), "The recording is larger than 25 MiB: divide or compress it."),
        ("/nowhere/call.wav", "The recording cannot be read: No such file or directory."),
        ("/", "The recording is no file."),
        ("nul\0.wav", "The recording "),
        (io.StringIO("text"), "The recording is open as text: open it with mode “rb”."),
        (7, "The recording is of type int: give bytes, a path or a file."),
        (None, "The recording is of type NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_recording_is_refused(call, provider, budget, audio, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("transcribe", audio)
    assert provider.requests == []
    assert not Call.objects.exists()


def test_a_file_of_fifty_megabytes_is_not_read_to_its_end(call, provider, budget):
    class Endless(io.RawIOBase):
        def __init__(self):
            self.given = 0

        def readable(self):
            return True

        def read(self, size=-1):
            assert size > 0
            self.given += size
            return SPOKEN[:44] + bytes(size - 44)

    endless = Endless()
    with pytest.raises(ValueError, match="larger than 25 MiB"):
        call("transcribe", endless)
    assert endless.given == 25 * 1024 * 1024 + 1


def test_a_text_is_spoken(api, call, provider):
    sound = call("speak", "Hello.", voice="coral", instructions="Kindly.", speed=None)
    assert sound == wav(0.1)
    asked = provider.requests[0]
    assert (asked.model, asked.body["voice"], asked.body["instructions"]) == ("gpt-4o-mini-tts", "coral", "Kindly.")
    assert "speed" not in asked.body
    row = Call.objects.get()
    assert (row.operation, row.status, row.messages[0]["content"]) == ("speech", "succeeded", "Hello.")
    # In events, the provider tells what it has counted.
    assert (row.tokens_in, row.tokens_out, row.cost) == (2, 1, 2 * 600 + 12_000)
    assert BudgetPeriod.objects.get().settled == row.cost


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd"])
def test_a_model_paid_by_the_character_gives_bare_sound(call, provider, budget, model):
    assert call("speak", "Grüezi.", model=model) == wav(0.1)
    assert "stream_format" not in provider.requests[0].body
    row = Call.objects.get()
    assert row.input_characters == 7
    assert row.cost == 7 * (15_000 if model == "tts-1" else 30_000)


def test_a_server_that_knows_no_events_gives_bare_sound(call, provider, budget):
    provider.reply_with(Raw(b"RIFF sound", content_type="audio/wav"))
    assert call("speak", "Hello.") == b"RIFF sound"
    assert Call.objects.get().cost is None
    assert BudgetPeriod.objects.get().settled > 0


def events(*told):
    return Raw(b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told), content_type=SSE)


DELTA = {"type": "speech.audio.delta", "audio": base64.b64encode(b"sound").decode()}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Raw(b"", content_type="audio/mpeg"), "malformed"),
        (Raw(b"<html>", content_type="text/html"), "malformed"),
        (Raw(b"{}"), "malformed"),
        (events(DELTA, {"type": "speech.audio.delta", "audio": "!"}), "malformed"),
        (events({"no": "type"}), "malformed"),
        (events([]), "malformed"),
        (Raw(b"data: {\n\n", content_type=SSE), "malformed"),
        (events({"type": "speech.audio.done"}), "malformed"),
        (events(DELTA), "interrupted"),
        (Status(400), "bad_request"),
    ],
)
def test_what_is_no_sound_is_never_passed_on(call, provider, budget, reply, kind):
    provider.reply_with(reply)
    with pytest.raises(OpenAITransportError) as caught:
        call("speak", "Hello.", retry=RetryPolicy(attempts=1))
    assert caught.value.kind == Call.objects.get().error_kind == kind
    assert BudgetPeriod.objects.get().held == 0


@pytest.mark.parametrize(
    ("text", "arguments", "sentence"),
    [
        ("", {}, "There is nothing to say: give a text."),
        (" ", {}, "There is nothing to say"),
        (None, {}, "There is nothing to say"),
        ("x" * 4_097, {}, "The text has 4,097 characters, 4,096 can be spoken at once: divide it."),
        ("Hello.", {"voice": ""}, "voice is ''"),
        ("Hello.", {"voice": None}, "voice is None"),
        ("Hello.", {"speed": 0}, "speed is 0: give a number from 0.25 to 4."),
        ("Hello.", {"speed": -1}, "speed is -1"),
        ("Hello.", {"speed": float("nan")}, "speed is nan"),
        ("Hello.", {"fallbacks": "local"}, "fallbacks is not taken here"),
    ],
)
def test_what_cannot_be_said_is_refused(call, provider, budget, text, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        call("speak", text, **arguments)
    assert provider.requests == []

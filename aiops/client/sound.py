"""Sound: what `transcribe` and `speak` ask."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.utils import timezone

from aiops.client.errors import raise_for
from aiops.client.how import split
from aiops.client.vectors import usual
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import SpeechRequest, TranscriptionRequest

MOST_BYTES = 25 * 1024 * 1024
"""Of one recording: more is refused by every provider."""

MOST_CHARACTERS = 4096
"""Of one text that is spoken."""

ENDINGS = frozenset({"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"})

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "wav"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xff\xf2", "mp3"),
    (b"\x1aE\xdf\xa3", "webm"),
)
"""How a recording begins → the ending that says what it is."""


def prepare_transcription(default: str, audio: Any, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `transcribe`.

    Args:
        audio: bytes, a path, or a Django file.

    Raises:
        ValueError: it is no recording, or too large; nothing was sent.
    """
    options, parameters = split(arguments)
    found, model = usual("transcription", default, options)
    sound, name = _sound(audio)
    return prepare_request(
        TranscriptionRequest(
            connection=found.connection.alias,
            model=model,
            sound=sound,
            name=name,
            parameters={name: value for name, value in parameters.items() if value is not None},
        ),
        found.about(),
        retry=found.policy,
        now=timezone.now(),
    )


def prepare_speech(default: str, text: Any, voice: str, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `speak`.

    Raises:
        ValueError: there is nothing to say, or too much.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("There is nothing to say: give a text.")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"The text has {len(text):,} characters, {MOST_CHARACTERS:,} can be spoken at once: divide it."
        )
    options, parameters = split(arguments)
    found, model = usual("speech", default, options)
    return prepare_request(
        SpeechRequest(connection=found.connection.alias, model=model, text=text, voice=voice, parameters=parameters),
        found.about(),
        retry=found.policy,
        now=timezone.now(),
    )


def text_in(outcome: Outcome) -> str:
    """What was heard.

    Raises:
        OpenAIClientError: nothing was.
    """
    return raise_for(outcome).text


def sound_in(outcome: Outcome) -> bytes:
    """What is to be heard.

    Raises:
        OpenAIClientError: nothing is.
    """
    completion = raise_for(outcome).end.completion
    sound: bytes = completion.result if completion else b""
    return sound


def _sound(audio: Any) -> tuple[bytes, str]:
    """The bytes of a recording and its name.

    Raises:
        ValueError: it is none.
    """
    name = ""
    if isinstance(audio, bytes | bytearray | memoryview):
        data = bytes(audio)
    elif isinstance(audio, File):
        name = Path(audio.name or "").name
        with audio.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    elif isinstance(audio, str | PathLike):
        name = Path(audio).name
        try:
            with Path(audio).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise ValueError(f"The recording cannot be read: {error.strerror or error}.") from error
    else:
        raise ValueError(f"The recording is of type {type(audio).__name__}: give bytes, a path or a file.")
    if not data:
        raise ValueError("The recording is empty.")
    if len(data) > MOST_BYTES:
        raise ValueError(f"The recording is larger than {MOST_BYTES >> 20} MiB: divide or compress it.")
    ending = next((ending for beginning, ending in _BEGINNINGS if data.startswith(beginning)), "")
    if not ending and data[4:8] == b"ftyp":
        ending = "m4a"
    if not ending:
        raise ValueError(f"The recording is none of {', '.join(sorted(ENDINGS))}.")
    given = name.rpartition(".")[2].lower()
    return data, name if given in ENDINGS else f"{name or 'recording'}.{ending}"

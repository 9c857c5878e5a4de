"""Sound: what `transcribe` and `speak` ask."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from django.utils import timezone

from aiops.client.contents import bytes_at, bytes_of_file, is_file
from aiops.client.errors import raise_for
from aiops.client.how import split
from aiops.client.vectors import usual
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import SpeechRequest, TranscriptionRequest
from aiops.gateway.plain_text import storable, storable_data

MOST_BYTES = 25 * 1024 * 1024
"""Of one recording: more is refused by every provider."""

MOST_CHARACTERS = 4096
"""Of one text that is spoken."""

SLOWEST, FASTEST = 0.25, 4.0
"""Speed of speech that providers take; 1 is the usual."""

ENDINGS = frozenset({"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"})

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    *((bytes([0xFF, second]), "mp3") for second in (0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB)),
    (b"\x1aE\xdf\xa3", "webm"),
)
"""How a recording begins → the ending that says what it is. WAV and MP4 have their names further in."""

_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")
"""What lies in the same container as MP4 and is none."""


def prepare_transcription(default: str, audio: Any, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `transcribe`.

    Args:
        audio: bytes, a path, or a file.

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
            parameters={name: storable_data(value) for name, value in parameters.items() if value is not None},
        ),
        found.about(),
        retry=found.policy,
        now=timezone.now(),
    )


def prepare_speech(default: str, text: Any, voice: Any, arguments: Mapping[str, Any]) -> Prepared:
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
    if not voice or not isinstance(voice, str | Mapping):
        raise ValueError(f"voice is {voice!r}: name one, as the provider does.")
    options, parameters = split(arguments)
    given = {name: value for name, value in parameters.items() if value is not None}
    speed = given.get("speed", 1)
    if not isinstance(speed, int | float) or isinstance(speed, bool) or not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed is {speed!r}: give a number from {SLOWEST:g} to {FASTEST:g}.")
    found, model = usual("speech", default, options)
    return prepare_request(
        SpeechRequest(
            connection=found.connection.alias,
            model=model,
            text=storable(text),
            voice=voice,
            parameters=storable_data(given),
        ),
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
    elif is_file(audio) or isinstance(audio, str | PathLike):
        try:
            data = bytes_of_file(audio, most=MOST_BYTES) if is_file(audio) else bytes_at(audio, most=MOST_BYTES)
        except OSError as error:
            raise ValueError(f"The recording cannot be read: {error.strerror or error}.") from error
        except ValueError as error:
            raise ValueError(f"The recording {error}") from error
        name = _name_of(getattr(audio, "name", None) if is_file(audio) else audio)
    else:
        raise ValueError(f"The recording is of type {type(audio).__name__}: give bytes, a path or a file.")
    if not data:
        raise ValueError("The recording is empty.")
    if len(data) > MOST_BYTES:
        raise ValueError(f"The recording is larger than {MOST_BYTES >> 20} MiB: divide or compress it.")
    ending = next((ending for beginning, ending in _BEGINNINGS if data.startswith(beginning)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        ending = "wav"
    elif data[4:8] == b"ftyp" and data[8:12] not in _PICTURES:
        ending = "m4a"
    if not ending:
        raise ValueError(f"The recording is none of {', '.join(sorted(ENDINGS))}.")
    given = name.rpartition(".")[2].lower()
    return data, name if given in ENDINGS else f"{name or 'recording'}.{ending}"


def _name_of(given: Any) -> str:
    """The last part of a name, as a form and a database can hold it; empty where there is none."""
    return storable(Path(given).name)[-100:] if isinstance(given, str | PathLike) else ""

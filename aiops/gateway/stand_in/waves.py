"""Sound as bytes: a real, tiny WAV, and how long a recording lasts by its beginning and its size."""

from __future__ import annotations

import io
import struct
import wave

RATE = 8000
"""Samples a second, of two bytes each."""

GUESSED_RATE = 16_000
"""Bytes a second of a recording that is no WAV: 128 kbit/s."""


def silence(seconds: float) -> bytes:
    """Samples without a head: PCM of 16 bits."""
    return bytes(2 * int(RATE * seconds))


def wav(seconds: float) -> bytes:
    """A WAV file of silence."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(silence(seconds))
    return target.getvalue()


def seconds_of(start: bytes, size: int) -> float:
    """How long a recording lasts: exact for a plain WAV, guessed for all others.

    Args:
        start: its first bytes.
        size: of all of it, in bytes.
    """
    rate, head = GUESSED_RATE, 0
    if start[:4] == b"RIFF" and start[8:16] == b"WAVEfmt " and len(start) >= 44:
        rate, head = struct.unpack("<I", start[28:32])[0] or GUESSED_RATE, 44
    return max(0.01, round((size - head) / rate, 2))

"""A completion as bytes and back, without loss."""

from __future__ import annotations

import json
import zlib
from dataclasses import MISSING, Field, asdict, fields
from typing import Any

from aiops.gateway.completion import Completion
from aiops.gateway.usage import Usage

FORM = 1
"""Of the bytes. A row of another form is not read; an older one is pruned."""

MOST_BYTES = 2 * 1024 * 1024
"""Of a completion before it is compressed. The longest answers of today's models come to about a megabyte."""


class TooLarge(ValueError):
    """It has more than `MOST_BYTES`."""


def pack(completion: Completion) -> bytes:
    """A completion as compressed JSON in ASCII, which holds every text: NULs and lone surrogates too.

    Raises:
        TooLarge: nothing of that size is kept.
        ValueError, TypeError, RecursionError: there is something in it that is no JSON.
    """
    said = {
        field.name: getattr(completion, field.name)
        for field in fields(completion)
        if getattr(completion, field.name) != _default(field)
    }
    if completion.usage is not None:
        said["usage"] = {name: tokens for name, tokens in asdict(completion.usage).items() if tokens}
    text = json.dumps(said, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(text) > MOST_BYTES:
        raise TooLarge
    # The quickest level: it halves an answer, the best one saves no tenth more.
    return zlib.compress(text, 1)


def unpack(body: bytes | memoryview) -> Completion | None:
    """The completion; None where these bytes are none, or hold what this version of the program does not know."""
    try:
        reader = zlib.decompressobj()
        said: dict[str, Any] = json.loads(reader.decompress(body, MOST_BYTES))
        if said.get("usage") is not None:
            said["usage"] = Usage(**said["usage"])
        return Completion(**said)
    except (zlib.error, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _default(field: Field[Any]) -> Any:
    """What a field is where nobody says anything; for one that must be given, a value that nothing equals."""
    return field.default_factory() if field.default_factory is not MISSING else field.default

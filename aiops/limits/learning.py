"""What the provider says of its own limits: in the headers of each answer, and by refusing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from aiops.gateway.connection import Connection
from aiops.limits.keeper import keeper
from aiops.limits.limits import Key, Limits, is_learned, limits_of, note_learned

LIMIT_REQUESTS = "x-ratelimit-limit-requests"
LIMIT_TOKENS = "x-ratelimit-limit-tokens"
NAMES = ("requests", "tokens")

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")

LONGEST_PAUSE = 600.0
"""Seconds; after those one call shows whether it is still so."""

MOST = (1_000, 500_000)
"""Requests and tokens a minute that are counted where only the provider says so: a limit that is far above what is ever
sent would cost a write for each call. Whoever wants it counted all the same writes it into the settings."""

_seen: dict[Key, tuple[str | None, str | None]] = {}


def learn(connection: Connection, model: str, headers: Mapping[str, str]) -> None:
    """Read what an answer says of the limits. Makes no query; costs a few microseconds where nothing has changed.

    Args:
        headers: of the answer; names are looked up in lower case.
    """
    key = (connection.alias, model)
    said = headers.get(LIMIT_REQUESTS), headers.get(LIMIT_TOKENS)
    if any(said) and not (said == _seen.get(key) and is_learned(key)):
        _seen[key] = said
        requests, tokens = (_tight(_number(told), most) for told, most in zip(said, MOST, strict=True))
        note_learned(key, Limits(requests_per_minute=requests, tokens_per_minute=tokens))
    for name in NAMES:
        if headers.get(f"x-ratelimit-remaining-{name}") == "0":
            _used_up(connection, model, headers, name)


def pause(connection: Connection, model: str, seconds: float) -> None:
    """Let nobody leave for so long, in any process: the provider asked for it (429 with Retry-After).

    Processes that have neither a limit nor a pause of their own for the model make no query, and so do not see it.

    Args:
        seconds: what cannot be is taken as none, what is longer than ten minutes as ten minutes.
    """
    if seconds > 0:  # Not so for NaN.
        keeper().pause(keeper().lane(connection, model), min(seconds, LONGEST_PAUSE))


def seconds_of(text: str) -> float | None:
    """Seconds of a span as providers write it (`120ms`, `6m0s`, `1h2m3.5s`, `7`); None where it is none."""
    text = text.strip().lower()
    try:
        seconds = float(text)
    except ValueError:
        parts = SPAN.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _used_up(connection: Connection, model: str, headers: Mapping[str, str], name: str) -> None:
    """Others use the account too. At the reset all of the limit is there again; one request is there sooner."""
    reset = seconds_of(headers.get(f"x-ratelimit-reset-{name}") or "")
    if reset:
        pause(connection, model, reset / (_number(headers.get(f"x-ratelimit-limit-{name}")) or 1))


def _tight(limit: int | None, most: int) -> int | None:
    return limit if limit is not None and limit <= most else None


def _number(text: str | None) -> int | None:
    """A limit; None where there is none, or none that could be one."""
    return int(text) if text and text.isascii() and text.isdigit() and 0 < len(text) < 16 and int(text) else None


__all__ = ["learn", "limits_of", "pause", "seconds_of"]

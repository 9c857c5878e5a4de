"""Strings that a schema accepts: of a length, a format, a pattern."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiops.gateway.stand_in.patterns import matching

WORDS = (
    "order", "card", "payment", "account", "transfer", "customer", "refund", "delivery", "charge", "balance", "limit",
    "late", "pending", "declined", "missing", "clear", "urgent", "simple", "foreign", "new", "asks", "reports", "needs",
    "about", "after", "with", "for", "and", "the", "a",
)  # fmt: skip


class Unanswerable(Exception):
    """The stand-in cannot make an answer for this schema; the text says what to do."""


def sentence(rng: random.Random) -> str:
    """A few plain words."""
    return " ".join(rng.choices(WORDS, k=rng.randint(3, 8))).capitalize() + "."


def string_of(schema: Mapping[str, Any], rng: random.Random) -> str:
    """A string of this schema.

    Raises:
        Unanswerable: its pattern is not understood.
    """
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        try:
            return matching(schema["pattern"], rng, least=least)
        except ValueError as error:
            raise Unanswerable(f"{error} Script an answer with Answer(data=…).") from error
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]](rng)
    text = sentence(rng)
    while len(text) < least:
        text += " " + sentence(rng)
    return text if most is None or len(text) <= most else text[:most].rstrip().ljust(min(least, most), "x")


def _moment(rng: random.Random) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(300 * 86_400))


def _word(rng: random.Random) -> str:
    return rng.choice(WORDS)


_FORMATS: Mapping[str, Callable[[random.Random], str]] = {
    "date-time": lambda rng: _moment(rng).isoformat().replace("+00:00", "Z"),
    "date": lambda rng: _moment(rng).date().isoformat(),
    "time": lambda rng: _moment(rng).time().isoformat() + "Z",
    "duration": lambda rng: f"P{rng.randint(1, 30)}D",
    "email": lambda rng: f"{_word(rng)}.{_word(rng)}@example.com",
    "idn-email": lambda rng: f"{_word(rng)}@example.com",
    "hostname": lambda rng: f"{_word(rng)}.example.com",
    "idn-hostname": lambda rng: f"{_word(rng)}.example.com",
    "ipv4": lambda rng: f"192.0.2.{rng.randint(1, 254)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randint(1, 0xFFFF):x}",
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "uri": lambda rng: f"https://example.com/{_word(rng)}/{rng.randint(1, 999)}",
    "uri-reference": lambda rng: f"/{_word(rng)}/{rng.randint(1, 999)}",
    "iri": lambda rng: f"https://example.com/{_word(rng)}",
    "iri-reference": lambda rng: f"/{_word(rng)}",
    "json-pointer": lambda rng: f"/{_word(rng)}/{rng.randint(0, 9)}",
    "regex": lambda rng: f"^{_word(rng)}$",
}

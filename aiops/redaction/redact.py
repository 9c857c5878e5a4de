"""Messages in which nothing stands any more that a detector found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiops.redaction.found import Detector, Found, findings
from aiops.redaction.restore import NOTHING, Restorer
from aiops.redaction.texts import changed_message
from aiops.redaction.tokens import name_in, token, written

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """Messages that may leave, and the way back."""

    messages: Messages
    """What is sent and what is logged."""

    restore: Restorer
    """For the answer. Never kept."""

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each kind were taken out: `{"email": 2}`; for the log."""
        return self.restore.counts


def redact(messages: Messages, detectors: Sequence[Detector], *, beside: object = None) -> Redacted:
    """Replace what the detectors find by tokens. Without detectors it is the messages themselves, at no cost.

    The same value has the same token wherever it stands. No token is a word that stands in the messages already.

    Args:
        messages: of a chat; never changed. Texts, names of people, arguments and results of tools are looked at;
            pictures, sound and files cannot be.
        beside: what goes along and is not looked at, such as the schema and the tools (JSON): no token is a word of it,
            so that a field `email_1` of a schema is never taken for a token.

    Raises:
        DetectorFailed: a detector raised, or found what cannot be there.
        NotReadable: a message holds what is no plain data.
    """
    if not detectors:
        return Redacted(messages=messages, restore=NOTHING)
    found: dict[str, tuple[Found, ...]] = {}

    def look(text: str) -> str:
        if text not in found:
            found[text] = findings(text, detectors)
        return text

    for message in messages:
        changed_message(message, look)
    if not any(found.values()):
        return Redacted(messages=messages, restore=NOTHING)
    given = _Given(found, beside)

    def replace(text: str) -> str:
        return given.replaced(text, found[text]) if found[text] else text

    return Redacted(messages=tuple(changed_message(message, replace) for message in messages), restore=given.restorer)


class _Given:
    """The tokens of one call."""

    def __init__(self, found: Mapping[str, tuple[Found, ...]], beside: object) -> None:
        kinds = frozenset(one.kind for several in found.values() for one in several)
        pattern = written(kinds)
        left = (piece for text, several in found.items() for piece in _left(text, several))
        self.taken = {name_in(match) for text in (*left, *_words(beside)) for match in pattern.finditer(text)}
        self.next = dict.fromkeys(kinds, 1)
        self.names: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def replaced(self, text: str, found: tuple[Found, ...]) -> str:
        first, *others = _left(text, found)
        tokens = (token(self.name(text[one.start : one.end], one.kind)) for one in found)
        return first + "".join(piece for pair in zip(tokens, others, strict=True) for piece in pair)

    def name(self, value: str, kind: str) -> str:
        if value not in self.names:
            while (name := f"{kind.upper()}_{self.next[kind]}") in self.taken:
                self.next[kind] += 1
            self.next[kind] += 1
            self.names[value] = name
            self.kinds[name] = kind
        return self.names[value]

    @property
    def restorer(self) -> Restorer:
        return Restorer({name: value for value, name in self.names.items()}, self.kinds)


def _left(text: str, found: tuple[Found, ...]) -> Iterator[str]:
    """What is left of a text around the findings.

    Looked at one by one: `C12345EMAIL_1` is one word, yet `EMAIL_1` is one once the number before it is gone.
    """
    position = 0
    for one in found:
        yield text[position : one.start]
        position = one.end
    yield text[position:]


def _words(data: object) -> list[str]:
    """Every text and every key in JSON."""
    match data:
        case str():
            return [data]
        case Mapping():
            return [word for key, value in data.items() for word in (str(key), *_words(value))]
        case list() | tuple():
            return [word for value in data for word in _words(value)]
    return []

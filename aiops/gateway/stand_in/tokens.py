"""A text as tokens with their probabilities: scripted for the choices of an enumeration, of the seed for the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from aiops.gateway.stand_in.sse import pieces_of
from aiops.gateway.stand_in.strings import WORDS

Odds = Mapping[str, float]
"""Probabilities by the text of a choice, or by that of a token."""

_TOKEN = re.compile(r"\s?\w+|[^\w\s]+|\s+")
_VALUE = re.compile(r'(?:"(?P<key>(?:[^"\\]|\\.)*)"\s*:\s*)?(?:"(?P<text>(?:[^"\\]|\\.)*)"(?!\s*:)|(?P<bare>[\w.+-]+))')


@dataclass(frozen=True, slots=True)
class Token:
    """One token and what else could have stood there."""

    text: str
    odds: Odds
    """Its own among them."""


def tokens_by_piece(text: str, *, seed: int, choices: Mapping[str | None, Odds]) -> list[list[Token]]:
    """The tokens of each piece that the text is sent in.

    Args:
        choices: the probabilities of an enumeration by the property that has it; None is whichever has one of them.
    """
    spans = {start: (value, odds) for start, value, odds in _spans(text, choices)}
    cuts = sorted({cut for start, (value, _) in spans.items() for cut in (start, start + len(value))})
    made: list[list[Token]] = []
    at = number = 0
    left: list[Odds] = []
    for piece in pieces_of(text):
        end = at + len(piece)
        bounds = [at, *(cut for cut in cuts if at < cut < end), end]
        tokens = []
        for start, stop in pairwise(bounds):
            for word in _TOKEN.findall(text[start:stop]):
                if start in spans:
                    value, odds = spans.pop(start)
                    left = _walk(value, odds, text[start + len(value) :])
                tokens.append(Token(word, left.pop(0) if left else _seeded_odds(seed, number, word)))
                number += 1
        made.append(tokens)
        at = end
    return made


def seeded_choices(schema: Any, text: str, *, seed: int) -> dict[str | None, Odds]:
    """Probabilities for each enumeration of the schema: the choice that the text has made is the likeliest."""
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    found: dict[str | None, Odds] = {}
    for name, values in enumerations(schema).items():
        chosen = data.get(name) if isinstance(data, dict) else None
        if chosen in values:
            own = _share(seed, name, chosen)
            weights = {told(value): _share(seed, name, value) for value in values if value != chosen}
            rest = (1 - own) / (sum(weights.values()) or 1)
            found[name] = {told(chosen): own, **{value: weight * rest for value, weight in weights.items()}}
    return found


def enumerations(schema: Any) -> dict[str, list[Any]]:
    """The properties of an object that have a list of values to choose from, and the values."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    found = {}
    for name, part in (properties or {}).items():
        if isinstance(part, dict) and str(part.get("$ref", "")).startswith("#/$defs/"):
            part = schema.get("$defs", {}).get(part["$ref"].removeprefix("#/$defs/"))
        if isinstance(part, dict) and isinstance(part.get("enum"), list):
            found[name] = part["enum"]
    return found


def told(value: Any) -> str:
    """A choice as its text is written in JSON, without the quotes."""
    return json.dumps(value, ensure_ascii=False).strip('"')


def _spans(text: str, choices: Mapping[str | None, Odds]) -> list[tuple[int, str, Odds]]:
    """Where a choice stands, which one, and how likely all of them are."""
    anywhere = choices.get(None, {})
    if text.strip() in anywhere:
        return [(text.index(text.strip()), text.strip(), anywhere)]
    found = []
    for match in _VALUE.finditer(text):
        group = "text" if match["text"] is not None else "bare"
        for odds in (choices.get(match["key"], {}), anywhere):
            if match[group] in odds and match[group]:
                found.append((match.start(group), match[group], odds))
                break
    return found


def _walk(value: str, odds: Odds, after: str) -> list[Odds]:
    """The probabilities at each token of this choice, and at the one that ends it."""
    ending = next(iter(_words(after)), "")
    paths = {choice: [*_words(choice), ending] for choice in odds}
    path = paths[value]
    whole = max(1.0, sum(odds.values()))
    walked: list[Odds] = []
    for step, _ in enumerate(path):
        following: dict[str, float] = {}
        for choice, words in paths.items():
            if words[:step] == path[:step] and len(words) > step:
                following[words[step]] = following.get(words[step], 0.0) + odds[choice]
        walked.append({word: weight / whole for word, weight in following.items()})
        whole = following[path[step]] or 1.0
    return walked if ending else walked[:-1]


def _words(text: str) -> Sequence[str]:
    return [word for piece in pieces_of(text) for word in _TOKEN.findall(piece)]


def _seeded_odds(seed: int, number: int, word: str) -> Odds:
    own = _share(seed, number, word)
    odds, left = {word: own}, 1 - own
    start = int(own * 1000)
    for step in range(len(WORDS)):
        left /= 2
        odds.setdefault(f" {WORDS[(start + step) % len(WORDS)]}", left)
    return odds


def _share(seed: int, *of: Any) -> float:
    """Something between 0.55 and 0.95, the same every time."""
    drawn = int.from_bytes(blake2b(repr((seed, *of)).encode("utf-8", "surrogatepass"), digest_size=4).digest())
    return 0.55 + 0.4 * drawn / 2**32

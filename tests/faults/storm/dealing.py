"""What the provider does with each sending of each question: the seed decides, so that it can be told afterwards."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b

from aiops.gateway.plain_text import storable
from aiops.gateway.stand_in.broken_bodies import Spoilt
from aiops.gateway.testing import (
    FAULTS,
    Answer,
    Deep,
    Drip,
    Ending,
    Flood,
    Hang,
    Received,
    Reply,
    WrongContentType,
)

QUESTION = re.compile(r"Question (\d+)\.")

SLOW: tuple[Reply, ...] = (
    Hang(),
    Hang(after_headers=True),
    Drip(seconds_per_byte=1.0),
    Flood(1 << 30),
    Flood(1 << 30, compressed=True),
)
"""Not among them: a long `Retry-After`, which stops everybody else as well, as it should."""

EVERY_FORM = frozenset({"text", "json", "stream"})
WITHOUT_SCHEMA = frozenset({"text", "stream"})


@dataclass(frozen=True, slots=True)
class Dealt:
    """What became of one sending."""

    reply: Reply
    text: str
    """What the model says in it, if it says anything."""

    whole_in: frozenset[str] = frozenset()
    """The forms of a question in which this is a whole and proper answer, which may be passed on."""

    fault: bool = True

    @property
    def name(self) -> str:
        return type(self.reply).__name__


class Dealer:
    """Answers for the stand-in: `provider.when(lambda _: True, dealer)`."""

    def __init__(self, *, seed: int, faults: float, slow: float) -> None:
        """
        Args:
            faults: share of the sendings, 0 to 1, that go wrong.
            slow: share of those that take up the whole of the caller's patience.
        """
        self._seed = seed
        self._faults = faults
        self._slow = slow
        self.sendings: Counter[int] = Counter()
        """Question → how often it was asked. Filled by the provider's thread."""

        self.faults = 0

    def __call__(self, received: Received) -> Reply:
        found = QUESTION.search(received.text)
        assert found is not None, received.text
        question = int(found[1])
        self.sendings[question] += 1
        dealt = self.dealt(question, self.sendings[question])
        self.faults += dealt.fault
        return dealt.reply

    def dealt(self, question: int, sending: int) -> Dealt:
        """What the provider does, or did, with that sending."""
        rng = random.Random(f"{self._seed}:{question}:{sending}")
        said = answer_to(question, sending)
        if rng.random() >= self._faults:
            return Dealt(Answer(said), said, EVERY_FORM, fault=False)
        reply = rng.choice(SLOW if rng.random() < self._slow else FAULTS)
        match reply:
            case Answer(text=None):  # Its usage is what is wrong with it.
                return Dealt(replace(reply, text=said), said, EVERY_FORM)
            case Answer(text=str(odd)):
                return Dealt(reply, storable(odd), WITHOUT_SCHEMA)
            case Deep(outside=False):
                deep = "[" * reply.levels + "]" * reply.levels
                # Counted honestly, it would be more than was held for, and freeze the budget.
                counted = {"prompt_tokens": 20, "completion_tokens": 200, "total_tokens": 220}
                return Dealt(Answer(deep, usage=counted), deep, WITHOUT_SCHEMA)
            case WrongContentType():
                return Dealt(replace(reply, of=Answer(said)), said, EVERY_FORM)
            case Ending(times=2):
                return Dealt(replace(reply, of=Answer(said)), said, frozenset({"stream"}))
            case Spoilt():
                return Dealt(replace(reply, of=Answer(said)), said)
        return Dealt(reply, said)


def answer_to(question: int, sending: int) -> str:
    """The one right answer to that sending of that question; no other has the same."""
    seal = blake2b(f"{question}:{sending}".encode(), digest_size=16).hexdigest()
    return json.dumps({"question": question, "sending": sending, "seal": seal})

"""Which reply a request gets: a rule that it matches, the next of the script, a fault of the seed, or an answer."""

from __future__ import annotations

import json
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.replies import Answer, Reply

Said = Reply | str | Mapping[str, Any] | list[Any]
"""A reply; or a text, a mapping or a list, which is an `Answer` of it."""

Sayable = Said | Callable[[Received], Said]
"""The same, or a function that makes it from the request."""

_ANSWER = Answer()


@dataclass(slots=True)
class _Rule:
    match: Callable[[Received], bool]
    reply: Sayable
    left: int | None


class Script:
    """Filled from any thread, read by the server's."""

    def __init__(self, *, seed: int, faults: float, fault_kinds: Sequence[Reply]) -> None:
        self._seed = seed
        self._faults = faults
        self._fault_kinds = tuple(fault_kinds)
        # A rule may look at, and add to, the script that it is part of.
        self._lock = threading.RLock()
        self._rules: list[_Rule] = []
        self._replies: deque[Sayable] = deque()

    def add(self, replies: Sequence[Sayable]) -> None:
        """Put replies at the end of the script."""
        with self._lock:
            self._replies.extend(replies)

    def add_rule(self, match: Callable[[Received], bool], reply: Sayable, times: int | None) -> None:
        """Answer what matches with this reply, so many times, or always."""
        with self._lock:
            self._rules.append(_Rule(match, reply, times))

    def clear(self) -> None:
        """Forget rules and replies; the faults of the seed stay."""
        with self._lock:
            self._rules.clear()
            self._replies.clear()

    @property
    def left(self) -> int:
        """How many replies of the script have not been used."""
        return len(self._replies)

    def reply_to(self, received: Received, *, by_rule_only: bool = False) -> Reply:
        """The reply that is due. It is used up by this.

        Args:
            by_rule_only: it is not asked of a model: neither the script nor the faults of the seed are meant for it.
        """
        said: Sayable | None = None
        if self._rules or self._replies:
            with self._lock:
                said = self._ruled(received)
                if said is None and self._replies and not by_rule_only:
                    said = self._replies.popleft()
        if said is None:
            return _ANSWER if by_rule_only else self._fault(received.number) or _ANSWER
        return as_reply(said, received)

    def _ruled(self, received: Received) -> Sayable | None:
        for rule in self._rules:
            if rule.left != 0 and rule.match(received):
                if rule.left is not None:
                    rule.left -= 1
                return rule.reply
        return None

    def _fault(self, number: int) -> Reply | None:
        if not self._faults:
            return None
        rng = random.Random(f"{self._seed}:{number}")  # noqa: S311 - it must be the same every time.
        return rng.choice(self._fault_kinds) if rng.random() < self._faults else None


def as_reply(said: Any, received: Received) -> Reply:
    """The reply that is meant.

    Raises:
        TypeError: none is.
    """
    if callable(said) and not isinstance(said, Reply):
        said = said(received)
    if isinstance(said, str):
        return Answer(text=said)
    if isinstance(said, Mapping | list):
        # A later change of the caller's own mapping must not change what was said.
        return Answer(data=json.loads(json.dumps(said)))
    if not isinstance(said, Reply):
        raise TypeError(
            f"A reply is one of the kinds in aiops.gateway.testing, a text, a mapping or a list, not {said!r}."
        )
    return said

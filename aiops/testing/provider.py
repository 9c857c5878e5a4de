"""The provider as a test holds it: what it is to say, and what it was asked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Unpack, get_args
from urllib.parse import urlsplit

from aiops.gateway.stand_in.exchange import Manner
from aiops.gateway.stand_in.in_process import InProcess
from aiops.gateway.stand_in.operations import operations
from aiops.gateway.stand_in.provider import Provider as Answering
from aiops.gateway.stand_in.rate_limits import RateLimits
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.replies import Answer, Reply
from aiops.gateway.stand_in.script import Sayable, Script, as_reply
from aiops.gateway.stand_in.statuses import Status
from aiops.gateway.stand_in.totals import Tally, Totals
from aiops.testing.asked import Asked, Criteria, check, in_words

UNSCRIPTED = "stand_in_unscripted"

Unscripted = Literal["fail", "answer"]
Leftovers = Literal["fail", "ignore"]


class Provider:
    """Made by `stand_in`. May be asked from any number of threads and event loops."""

    def __init__(
        self,
        aliases: Mapping[str, str],
        *,
        unscripted: Unscripted = "fail",
        leftovers: Leftovers = "ignore",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            aliases: host → alias of the connection that leads there.
            unscripted: what becomes of a question that nothing is scripted for: `fail` refuses it and fails the test,
                `answer` gives an answer that fits the schema, the same every time.
            leftovers: what becomes of replies that nobody asked for: `fail` fails the test.
            clock: seconds since the epoch, as uploaded files expire by it.

        Raises:
            ValueError: `unscripted` or `leftovers` is none of these.
        """
        if unscripted not in get_args(Unscripted) or leftovers not in get_args(Leftovers):
            raise ValueError(
                f"unscripted is “fail” or “answer”, leftovers “fail” or “ignore”; not {unscripted!r} and {leftovers!r}."
            )
        self._aliases = dict(aliases)
        self._unscripted = unscripted
        self._leftovers = leftovers
        self._lock = threading.RLock()
        self._rules: list[Rule] = []
        self._replies: deque[Sayable] = deque()
        self._unexpected: list[Asked] = []
        self._tally = Tally()
        script = Script(seed=0, faults=0.0, fault_kinds=())
        # Everything goes by one rule, which is ours: what a question gets hangs on the connection too.
        script.add_rule(lambda received: received.number > 0, self._reply, None)
        self._answering = Answering(
            manner=Manner(seed=0, model="", cached_tokens=0, reasoning_tokens=0),
            script=script,
            tally=self._tally,
            latency=0.0,
            api_key=None,
            operations=operations(models=("gpt-6-luna",), clock=clock),
            limits=RateLimits(requests=None, tokens=None, clock=clock),
            keep_requests=True,
        )
        self.answerer = InProcess(self._answering)

    def reply_with(self, *replies: Sayable) -> None:
        """Use these replies for the next questions, in order.

        Args:
            replies: each a reply (`Answer`, `Refusal`, `Status`, …), a text, a mapping or list that is told as JSON,
                or a function of the request that gives one of these.
        """
        with self._lock:
            self._replies.extend(replies)

    def when(self, **criteria: Unpack[Criteria]) -> Rule:
        """What is said to certain questions, before the script is asked: `when(text="refund").reply_with("No.")`.

        Args:
            criteria: `text`, `model`, `operation`, `connection`, `streamed`; all that are given must hold.
        """
        rule = Rule(check(criteria), self._lock)
        with self._lock:
            self._rules.append(rule)
        return rule

    @property
    def asked(self) -> list[Asked]:
        """What was asked of a model, in order. Each sending is one: a retry is another."""
        return [self._asked(received) for received in self._answering.requests if received.number]

    @property
    def totals(self) -> Totals:
        """The provider's own count of answers and tokens."""
        return self._tally.snapshot()

    def assert_asked(self, times: int | None = None, **criteria: Unpack[Criteria]) -> list[Asked]:
        """The questions that fit, in order.

        Args:
            times: so many there must be; None: at least one.
            criteria: as in `when`.

        Raises:
            AssertionError: there are others; the message says which were asked.
        """
        check(criteria)
        asked = self.asked
        found = [one for one in asked if one.fits(criteria)]
        if len(found) != times if times is not None else not found:
            short = f"Asked {len(found)} times{in_words(criteria)}, not {times}."
            raise AssertionError((short if found else f"Nothing was asked{in_words(criteria)}.") + _listed(asked))
        return found

    def assert_asked_once(self, **criteria: Unpack[Criteria]) -> Asked:
        """The one question that fits.

        Raises:
            AssertionError: there is none, or another one too.
        """
        return self.assert_asked(1, **criteria)[0]

    def assert_nothing_asked(self, **criteria: Unpack[Criteria]) -> None:
        """Nothing that fits was asked.

        Raises:
            AssertionError: something was.
        """
        check(criteria)
        found = [one for one in self.asked if one.fits(criteria)]
        if found:
            raise AssertionError(f"Nothing{in_words(criteria)} should have been asked.{_listed(found)}")

    def assert_all_replies_used(self) -> None:
        """Every reply that was scripted has been given.

        Raises:
            AssertionError: some were not.
        """
        with self._lock:
            left = [f"{reply!r}" for reply in self._replies]
            left += [
                f"{reply!r}, for questions{in_words(rule.criteria)}" for rule in self._rules for reply in rule.left
            ]
        if left:
            raise AssertionError(f"Nobody asked for these replies:{_lines(left)}")

    def finish(self) -> None:
        """What the end of a test says of it.

        Raises:
            AssertionError: nothing was scripted for a question; or a reply is left, where that is to fail the test.
            Exception: what a function of the test's own raised.
        """
        if self._answering.failures:
            raise self._answering.failures[0]
        if self._unexpected:
            raise AssertionError(f"Nothing was scripted for these questions:{_lines(map(str, self._unexpected))}")
        if self._leftovers == "fail":
            self.assert_all_replies_used()

    def reset(self) -> None:
        """Forget what was asked and what was scripted."""
        with self._lock:
            self._answering.requests.clear()
            self._answering.failures.clear()
            self._unexpected.clear()
            self._rules.clear()
            self._replies.clear()
            self._tally.reset()

    def _asked(self, received: Received) -> Asked:
        return Asked(received, self._aliases.get(_host(received), ""))

    def _reply(self, received: Received) -> Reply:
        asked = self._asked(received)
        with self._lock:
            for rule in self._rules:
                if asked.fits(rule.criteria) and (said := rule.take()) is not None:
                    return as_reply(said, received)
            if self._replies:
                return as_reply(self._replies.popleft(), received)
            if self._unscripted == "answer":
                return Answer()
            self._unexpected.append(asked)
        return Status(400, code=UNSCRIPTED, message=f"Nothing is scripted for this question: {asked}")


class Rule:
    """What is said to certain questions."""

    def __init__(self, criteria: Criteria, lock: threading.RLock) -> None:
        self.criteria = criteria
        self._lock = lock
        self._replies: deque[Sayable] = deque()
        self._always: Sayable | None = None

    @property
    def left(self) -> list[Sayable]:
        """Replies that have not been given."""
        return list(self._replies)

    def reply_with(self, *replies: Sayable) -> Rule:
        """Use each of these once, in order; afterwards such questions go to the rules below, and to the script."""
        with self._lock:
            self._replies.extend(replies)
        return self

    def always(self, reply: Sayable) -> Rule:
        """Use this every time, once the others have been used."""
        with self._lock:
            self._always = reply
        return self

    def take(self) -> Sayable | None:
        """The next reply, used up by this; None where there is none."""
        return self._replies.popleft() if self._replies else self._always


def _host(received: Received) -> str:
    return urlsplit(f"//{received.headers.get('Host', '')}").hostname or ""


def _listed(asked: list[Asked]) -> str:
    return f" Asked was:{_lines(map(str, asked))}" if asked else ""


def _lines(told: Iterable[str]) -> str:
    return "".join(f"\n  {one}" for one in told)

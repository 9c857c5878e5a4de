"""Those of one process who wait for one connection and model, in their order, and what it has to tell the others."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice

from aiops.gateway.connection import Connection
from aiops.limits.errors import TooBusy
from aiops.limits.limits import Key, Limits, limits_of
from aiops.limits.pace import LEASE, REQUESTS, SECOND, Ask, Decision, Priority, Share, slot

AT_A_TIME = 200
"""Most calls that are asked for at a time."""

SHORTEST = 0.005
"""Seconds that calls are gathered for where the limit is so high that slots are shorter."""

LONGEST = 5.0
"""Seconds after which one looks again, whatever was seen."""

GATHERED = 0.02
"""Seconds in which what the others are to be told is gathered, where nobody asks for anything meanwhile."""

RENEWED = LEASE / SECOND / 3
"""Seconds after which the lease of requests in flight is renewed."""


@dataclass(slots=True, kw_only=True, eq=False)
class Waiter:
    """One call that waits."""

    ask: Ask
    since: float
    deadline: float
    """Both by the monotonic clock."""

    future: Future[float] = field(default_factory=Future)
    """Seconds that were waited; or TooBusy."""


Refused = tuple[Waiter, TooBusy]


class Lane:
    """Belongs to the keeper, which holds its lock whenever it comes here. Times are of the monotonic clock."""

    def __init__(self, connection: Connection, model: str, now: float) -> None:
        self.connection = connection
        self.model = model
        self.in_flight = 0
        self.look_at = now
        """When it may be worth to look at the state for those who wait."""
        self.watched_until = 0.0
        """A pause was asked for in this process, which looks for others until then even where it has no limit."""
        self._people: deque[Waiter] = deque()
        self._jobs: deque[Waiter] = deque()
        self._tell_at = float("inf")
        self._firm_until = now
        """Nobody can pass sooner, as far as is known; a person perhaps a little, unless it was found for one."""
        self._firm_for_people = False
        self.trouble: Exception | None = None
        """Why the state could not be looked at the last time."""
        self._granted_at = 0.0
        self._requests_back = self._tokens_back = 0
        self._pause = 0.0
        self._news = False

    @property
    def key(self) -> Key:
        return self.connection.alias, self.model

    @property
    def limits(self) -> Limits:
        return limits_of(self.connection, self.model)

    @property
    def due_at(self) -> float:
        """When the keeper has to look after this lane next."""
        return min(self._tell_at, self.look_at if self._people or self._jobs else float("inf"))

    @property
    def has_news(self) -> bool:
        """Whether the others are to be told anything but that this process is still there."""
        return bool(self._requests_back or self._tokens_back or self._pause or self._news)

    def add(self, waiter: Waiter, now: float) -> bool:
        """Stand in line. Returns whether the keeper may have to look sooner than it knew.

        Raises:
            TooBusy: the deadline will be over before it is this one's turn.
        """
        person = waiter.ask.priority is Priority.PERSON
        ahead = len(self._people) + (0 if person else len(self._jobs))
        earliest = self._earliest(ahead, now, person=person)
        if earliest > waiter.deadline:
            raise self._too_busy(earliest - now)
        (self._people if person else self._jobs).append(waiter)
        if person and not ahead:
            self.look_at = now
        return not ahead

    def remove(self, waiter: Waiter) -> None:
        """Let one stand in line no longer, where it still does."""
        line = self._people if waiter.ask.priority is Priority.PERSON else self._jobs
        if line and line[0] is waiter:
            line.popleft()
        else:
            with suppress(ValueError):
                line.remove(waiter)

    def heads(self) -> list[Waiter]:
        """Those whose turn it is, in order."""
        return list(islice(chain(self._people, self._jobs), AT_A_TIME))

    def clear(self) -> list[Waiter]:
        """Let nobody stand in line. Returns who did."""
        stood = [*self._people, *self._jobs]
        self._people.clear()
        self._jobs.clear()
        return stood

    def share(self, holder: str) -> Share:
        """What this process has to tell the others; told once."""
        share = Share(
            holder=holder,
            in_flight=self.in_flight,
            requests_back=self._requests_back,
            tokens_back=self._tokens_back,
            pause=round(self._pause * SECOND),
        )
        self._requests_back = self._tokens_back = 0
        self._pause = 0.0
        self._news = False
        self._tell_at = float("inf")
        return share

    def untold(self, share: Share, again_at: float) -> None:
        """It could not be told after all."""
        self._requests_back += share.requests_back
        self._tokens_back += share.tokens_back
        self._pause = max(self._pause, share.pause / SECOND)
        self._news = True
        self._tell_at = self.look_at = again_at

    def decided(self, asked: list[Waiter], decision: Decision, now: float) -> tuple[list[Waiter], list[Refused]]:
        """Take those out who may leave, and those who would wait in vain. Returns both."""
        granted = asked[: decision.granted]
        for waiter in granted:
            self.remove(waiter)
        self.in_flight += len(granted)
        if granted:
            self._granted_at = now
        self._firm_until = now + decision.firm / SECOND
        left = asked[decision.granted :]
        self._firm_for_people = bool(left) and left[0].ask.priority is Priority.PERSON
        wait = decision.wait / SECOND
        if wait:
            wait = min(LONGEST, max(SHORTEST, wait) + (0.0 if self._people else self._deference(now)))
        self.look_at = now + wait
        if self.in_flight and self.limits.in_flight is not None:
            self._tell_at = min(self._tell_at, now + RENEWED)
        return granted, self._hopeless(now)

    def ended(self, now: float, *, requests_back: int = 0, tokens_back: int = 0) -> None:
        """A call that was granted has ended, or never left."""
        self.in_flight -= 1
        self._requests_back += requests_back
        self.correct(tokens_back, now)
        if requests_back or self.limits.in_flight is not None:
            self._news = True
            self._tell_at = min(self._tell_at, now + GATHERED)

    def correct(self, tokens_back: int, now: float) -> None:
        """So many tokens that were granted are not used."""
        if tokens_back and self.limits.tokens_per_minute:
            self._tokens_back += tokens_back
            self._tell_at = min(self._tell_at, now + GATHERED)

    def pause(self, seconds: float, now: float) -> None:
        """Let nobody leave for so long, in any process."""
        self._pause = max(self._pause, seconds)
        if now + seconds > self._firm_until:
            self._firm_until, self._firm_for_people = now + seconds, True
        self.watched_until = max(self.watched_until, now + seconds)
        self._tell_at = now

    def _deference(self, now: float) -> float:
        """Seconds to stay behind one's slot, the less the longer ago one got any: so processes take turns.

        What is lost by it is made up for by the leeway.
        """
        each = slot(self.limits.requests_per_minute) / SECOND
        if not each:
            return 0.0
        return min(0.05, each / 2) * max(0.0, 1 - (now - self._granted_at) / (8 * each))

    def too_busy(self, now: float) -> TooBusy:
        """The error of one who has waited for long enough."""
        return self._too_busy(self._firm_until - now)

    def _earliest(self, ahead: int, now: float, *, person: bool) -> float:
        """When the one with so many ahead of it can pass at the earliest."""
        each = slot(self.limits.requests_per_minute)
        early = max(REQUESTS.people, each) if person and not self._firm_for_people else 0
        behind = max(0, ahead * each - REQUESTS.late)
        return max(now, self._firm_until - early / SECOND) + behind / SECOND

    def _hopeless(self, now: float) -> list[Refused]:
        """Those who stand in line and would wait in vain; they are taken out."""
        each = slot(self.limits.requests_per_minute) / SECOND
        gone: list[Refused] = []
        for line, ahead in ((self._people, 0), (self._jobs, len(self._people))):
            first = self._earliest(ahead, now, person=line is self._people)
            for place, waiter in enumerate(line):
                # The bare minimum is reckoned first: hundreds may stand here.
                if first + place * each > waiter.deadline:
                    earliest = self._earliest(ahead + place, now, person=line is self._people)
                    if earliest > waiter.deadline:
                        gone.append((waiter, self._too_busy(earliest - now)))
        for waiter, _ in gone:
            self.remove(waiter)
        return gone

    def _too_busy(self, seconds: float) -> TooBusy:
        return TooBusy(self.connection.alias, self.model, seconds)

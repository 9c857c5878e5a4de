"""Who may go now: a policy as data. Nothing waits and nothing is stored in here.

Requests and tokens are spaced evenly (GCRA): a limit of 600 a minute is a slot each 100 ms, and the state says when the
next one begins. Within a minute no more may pass than the limit and what the leeway adds to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from aiops.limits.limits import Limits
from aiops.limits.state import State

SECOND = 1_000_000
MINUTE = 60 * SECOND


class Priority(IntEnum):
    """Whoever has the lower number goes first, in whichever process."""

    PERSON = 0
    JOB = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Leeway:
    """How far from evenly spaced calls may be, in microseconds; both together are what a minute may have too much."""

    late: int
    """Time that went by unused and is made up for: processes wake up late, and would never reach the limit."""

    people: int
    """A person's call may be early by so much, or by one request, and jobs wait until that is made up for."""


REQUESTS = Leeway(late=SECOND // 4, people=SECOND // 4)
# Tokens are counted by an upper bound first, which for usual texts is three times what is then used.
TOKENS = Leeway(late=3 * SECOND // 2, people=3 * SECOND)

LEASE = 10 * SECOND
"""How long a process is believed that it has requests in flight without saying so again."""

STANDING = SECOND // 2
"""How long others stand back for one who was seen waiting for a place in flight."""

GLANCE = SECOND // 20
"""Places and tokens come free elsewhere at any time: whoever waits for them looks again after so long."""

FARTHEST = 2 * MINUTE
"""A slot farther off than that was written by a clock that has been set back since."""

LONGEST_PAUSE = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call that wants to leave."""

    priority: Priority
    tokens: int = 0
    """The most that it can read and write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process has to tell the others."""

    holder: str
    """Its name."""

    in_flight: int = 0
    requests_back: int = 0
    """Requests that were granted and did not leave."""

    tokens_back: int = 0
    """Tokens that were granted and not used; negative where more were."""

    pause: int = 0
    """Microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    state: State
    """As it is from now on."""

    granted: int
    """So many of those who asked may leave, from the first."""

    wait: int
    """Microseconds after which the next one should ask again; 0 where it might have passed now."""

    firm: int
    """Microseconds before which it surely cannot, whatever others do."""


def slot(per_minute: int | None) -> int:
    """Microseconds that one request, or one token, takes up."""
    return -(-MINUTE // per_minute) if per_minute else 0


def decide(state: State, limits: Limits, asks: Sequence[Ask], mine: Share, now: int) -> Decision:
    """Let as many of those who ask pass, in order, as the limits allow, and take in what this process has to tell.

    Args:
        now: microseconds since 1970, by the clock by which `state` was written.
    """
    state = _with(_believable(state, now), limits, mine, now)
    granted, refused, for_a_place = 0, None, False
    for ask in asks:
        refused = _too_early(state, limits, ask, now)
        if refused:
            break
        for_a_place = not _has_place(state, limits, ask, mine, granted, now)
        if for_a_place:
            refused = GLANCE, 0
            break
        state = _after(state, limits, ask, now)
        granted += 1
    if refused is None:
        refused = _too_early(state, limits, Ask(priority=Priority.JOB), now) or (0, 0)
    if limits.in_flight is not None:
        state = _placed(state, mine.holder, mine.in_flight + granted, now)
        state = _waited_for(state, mine.holder, asks[granted] if for_a_place else None, granted, now)
    wait, firm = refused
    return Decision(state=state, granted=granted, wait=wait, firm=firm)


def _too_early(state: State, limits: Limits, ask: Ask, now: int) -> tuple[int, int] | None:
    """How long one call has to wait for its slot, as `(wait, firm)`; None where it need not."""
    person = ask.priority is Priority.PERSON
    requests_at = state.paused_until
    if limits.requests_per_minute:
        early = max(REQUESTS.people, slot(limits.requests_per_minute)) if person else 0
        requests_at = max(requests_at, state.requests_at - early)
    if requests_at > now:
        return requests_at - now, requests_at - now
    if limits.tokens_per_minute and ask.tokens:
        tokens_at = state.tokens_at - (TOKENS.people if person else 0)
        if tokens_at > now:
            return min(GLANCE, tokens_at - now), 0
    return None


def _has_place(state: State, limits: Limits, ask: Ask, mine: Share, granted: int, now: int) -> bool:
    """Whether there is a place in flight, and nobody whose turn it is rather."""
    if limits.in_flight is None:
        return True
    taken = mine.in_flight + granted
    if taken + sum(count for holder, (count, _) in state.places.items() if holder != mine.holder) >= limits.in_flight:
        return False
    if ask.priority is Priority.PERSON:
        return True
    if state.people_until > now:
        return False
    # A process that has places sees first that one comes free: it would keep them for ever.
    since = now if granted else state.waiting.get(mine.holder, (now, 0))[0]
    return all(
        (taken, since) <= (state.places.get(holder, (0, 0))[0], other)
        for holder, (other, _) in state.waiting.items()
        if holder != mine.holder
    )


def _after(state: State, limits: Limits, ask: Ask, now: int) -> State:
    """The state when one call has passed."""
    requests_at, tokens_at = state.requests_at, state.tokens_at
    if limits.requests_per_minute:
        requests_at = max(requests_at, now - REQUESTS.late) + slot(limits.requests_per_minute)
    if limits.tokens_per_minute:
        tokens_at = max(tokens_at, now - TOKENS.late) + _span(ask.tokens, limits.tokens_per_minute)
    return replace(state, requests_at=requests_at, tokens_at=tokens_at)


def _waited_for(state: State, holder: str, ask: Ask | None, granted: int, now: int) -> State:
    """The state when one call of a process waits for a place, or none does; said again well before it is over."""
    others = {other: spell for other, spell in state.waiting.items() if other != holder}
    if ask is None:
        return state if holder not in state.waiting else replace(state, waiting=others)
    if ask.priority is Priority.PERSON and state.people_until <= now + STANDING // 2:
        state = replace(state, people_until=now + STANDING)
    since, until = state.waiting.get(holder, (now, 0))
    if granted or until <= now + STANDING // 2:
        state = replace(state, waiting=others | {holder: (now if granted else since, now + STANDING)})
    return state


def _span(tokens: int, per_minute: int) -> int:
    """Microseconds that so many tokens take up; never more than a minute, or they could never pass."""
    return min(MINUTE, -(-tokens * MINUTE // per_minute))


def _believable(state: State, now: int) -> State:
    """Without what a clock that was set back has left, and without processes that are gone."""
    return State(
        requests_at=state.requests_at if state.requests_at <= now + FARTHEST else now,
        tokens_at=state.tokens_at if state.tokens_at <= now + FARTHEST else now,
        paused_until=state.paused_until if state.paused_until <= now + LONGEST_PAUSE else now,
        people_until=min(state.people_until, now + STANDING),
        waiting={
            holder: (since, until) for holder, (since, until) in state.waiting.items() if now < until <= now + STANDING
        },
        places={
            holder: (count, until) for holder, (count, until) in state.places.items() if now < until <= now + LEASE
        },
    )


def _with(state: State, limits: Limits, mine: Share, now: int) -> State:
    """The state with what this process has to tell."""
    requests_at, tokens_at, paused_until = state.requests_at, state.tokens_at, state.paused_until
    if limits.requests_per_minute:
        requests_at -= mine.requests_back * slot(limits.requests_per_minute)
    if limits.tokens_per_minute and mine.tokens_back:
        # More than was foreseen counts from now on, as if it had been asked for.
        begins = max(tokens_at, now - TOKENS.late) if mine.tokens_back < 0 else tokens_at
        tokens_at = begins - mine.tokens_back * MINUTE // limits.tokens_per_minute
    if mine.pause > 0:
        paused_until = max(paused_until, now + min(mine.pause, LONGEST_PAUSE))
    return replace(state, requests_at=requests_at, tokens_at=tokens_at, paused_until=paused_until)


def _placed(state: State, holder: str, count: int, now: int) -> State:
    """The state with the requests that a process has in flight; its lease is renewed when a third of it is over."""
    known, until = state.places.get(holder, (0, 0))
    if known == count and (not count or until > now + LEASE * 2 // 3):
        return state
    places = {other: place for other, place in state.places.items() if other != holder}
    if count:
        places[holder] = (count, now + LEASE)
    return replace(state, places=places)

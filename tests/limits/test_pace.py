"""Who may go now, as a table: microseconds in, microseconds out."""

from bisect import bisect_left

import pytest

from aiops.limits.limits import Limits
from aiops.limits.pace import LEASE, MINUTE, SECOND, Ask, Priority, Share, decide
from aiops.limits.state import State

NOW = 1_800_000_000 * SECOND
SLOT = SECOND // 10
TEN_A_SECOND = Limits(requests_per_minute=600)
TOKENS = Limits(tokens_per_minute=60_000)  # a thousand a second
PLACES = Limits(in_flight=2)
PERSON, JOB = Ask(priority=Priority.PERSON), Ask(priority=Priority.JOB)
MINE = Share(holder="mine")


def job(tokens):
    return Ask(priority=Priority.JOB, tokens=tokens)


def person(tokens):
    return Ask(priority=Priority.PERSON, tokens=tokens)


def at(seconds):
    return NOW + round(seconds * SECOND)


@pytest.mark.parametrize(
    ("limits", "state", "asks", "granted", "wait"),
    [
        # A fresh start gives the leeway and one.
        (TEN_A_SECOND, State(), [JOB] * 10, 3, 0.05),
        (TEN_A_SECOND, State(requests_at=at(0)), [JOB] * 10, 1, 0.1),
        (TEN_A_SECOND, State(requests_at=at(0.1)), [JOB], 0, 0.1),
        # Late by less than the leeway: all of it is made up for.
        (TEN_A_SECOND, State(requests_at=at(-0.2)), [JOB] * 10, 3, 0.1),
        (TEN_A_SECOND, State(requests_at=at(-600)), [JOB] * 10, 3, 0.05),
        # A person may be early by a quarter of a second, a job never.
        (TEN_A_SECOND, State(requests_at=at(0.1)), [PERSON, JOB], 1, 0.2),
        (TEN_A_SECOND, State(requests_at=at(0.25)), [PERSON, PERSON], 1, 0.1),
        # With few slots a person may be early by one of them.
        (Limits(requests_per_minute=3), State(requests_at=at(20)), [PERSON, PERSON], 1, 20),
        (Limits(requests_per_minute=3), State(requests_at=at(20)), [JOB], 0, 20),
        # Nobody passes one who goes first.
        (TEN_A_SECOND, State(requests_at=at(0.3)), [PERSON, JOB], 0, 0.05),
        # Whatever a clock has left that was set back is not believed.
        (TEN_A_SECOND, State(requests_at=at(3600), tokens_at=at(3600), paused_until=at(3600)), [JOB], 1, 0.1),
        # Tokens: each call takes its part of a minute; others may give some back, so one looks again soon.
        (TOKENS, State(tokens_at=at(0)), [job(2000), job(1)], 1, 0.05),
        (TOKENS, State(tokens_at=at(2)), [person(5000), person(1)], 1, 0.05),
        (TOKENS, State(tokens_at=at(2)), [JOB], 1, 0),
        (TOKENS, State(tokens_at=at(0)), [job(10**9)], 1, 0),
        # Both at once.
        (Limits(requests_per_minute=600, tokens_per_minute=60_000), State(tokens_at=at(9)), [job(1)], 0, 0.05),
        # Places, with processes that have died and with a person who waits elsewhere.
        (PLACES, State(places={"other": (1, at(5))}), [JOB, JOB], 1, 0.05),
        (PLACES, State(places={"other": (2, at(0))}), [JOB, JOB, JOB], 2, 0.05),
        (PLACES, State(people_until=at(0.4)), [JOB], 0, 0.05),
        (PLACES, State(people_until=at(0.4)), [PERSON], 1, 0),
        # A pause holds for everybody.
        (PLACES, State(paused_until=at(7)), [PERSON], 0, 7),
        (Limits(), State(paused_until=at(7)), [JOB], 0, 7),
        (Limits(), State(), [JOB] * 1000, 1000, 0),
    ],
)
def test_how_many_may_go_and_how_long_the_next_one_waits(limits, state, asks, granted, wait):
    decision = decide(state, limits, asks, MINE, NOW)
    assert (decision.granted, decision.wait) == (granted, round(wait * SECOND))


@pytest.mark.parametrize("limit", [1, 3, 7, 59, 600, 10_000])
@pytest.mark.parametrize("asks", [[JOB] * 50, [PERSON] * 50, [PERSON, *[JOB] * 49]], ids=["jobs", "people", "both"])
def test_no_minute_has_more_than_the_limit_and_its_leeway(limit, asks):
    limits, state, now, moments = Limits(requests_per_minute=limit), State(), NOW, []
    while now < NOW + 3 * MINUTE:
        decision = decide(state, limits, asks, MINE, now)
        state = decision.state
        moments += [now] * decision.granted
        now += max(1, decision.wait, SECOND // 100 * (len(moments) % 30))  # now and then it comes late
    most = max(bisect_left(moments, first + MINUTE) - place for place, first in enumerate(moments))
    assert most <= limit + max(2, limit // 100)
    assert len(moments) >= 3 * limit * 0.99


def test_what_one_did_not_use_is_there_for_the_next():
    state = State(tokens_at=at(10))
    assert decide(state, TOKENS, [job(1)], MINE, NOW).granted == 0
    assert decide(state, TOKENS, [job(1)], Share(holder="mine", tokens_back=10_000), NOW).granted == 1


def test_what_one_used_beyond_its_bound_counts_as_well():
    state = decide(State(), TOKENS, [], Share(holder="mine", tokens_back=-10_000), NOW).state
    assert state.tokens_at == at(8.5)


def test_a_request_that_never_left_gives_its_slot_back():
    share = Share(holder="mine", requests_back=1)
    assert decide(State(requests_at=at(0.1)), TEN_A_SECOND, [JOB], share, NOW).granted == 1


def test_a_person_who_waits_for_a_place_keeps_jobs_of_others_from_it():
    full = State(places={"other": (2, at(5))})
    waiting = decide(full, PLACES, [PERSON, JOB], MINE, NOW).state
    one_free = State(places={"other": (1, at(5))}, people_until=waiting.people_until)
    assert decide(one_free, PLACES, [JOB], Share(holder="other", in_flight=1), NOW).granted == 0
    assert decide(one_free, PLACES, [PERSON], MINE, NOW).granted == 1
    assert decide(one_free, PLACES, [JOB], Share(holder="other", in_flight=1), NOW + SECOND).granted == 1


@pytest.mark.parametrize(
    ("mine", "waiting", "granted"),
    [
        (0, {}, 1),
        (1, {"other": at(-1)}, 0),  # It has none, and waits.
        (0, {"other": at(-1)}, 0),  # As many as we have, and has waited for longer.
        (0, {"other": at(-1), "mine": at(-2)}, 1),
        (0, {"other": at(-2), "mine": at(-1)}, 0),
    ],
)
def test_a_place_goes_to_the_process_that_has_fewest_and_has_waited_for_longest(mine, waiting, granted):
    state = State(waiting={holder: (since, at(0.1)) for holder, since in waiting.items()})
    assert decide(state, PLACES, [JOB], Share(holder="mine", in_flight=mine), NOW).granted == granted
    # Who no longer says that it waits is not waited for.
    assert decide(state, PLACES, [JOB], Share(holder="mine", in_flight=mine), NOW + SECOND).granted == 1


def test_a_lease_is_renewed_before_it_ends_and_not_each_time():
    held = decide(State(), PLACES, [JOB], MINE, NOW).state
    assert held.places == {"mine": (1, NOW + LEASE)}
    share = Share(holder="mine", in_flight=1)
    assert decide(held, PLACES, [], share, NOW + SECOND).state == held
    renewed = decide(held, PLACES, [], share, NOW + LEASE // 2).state
    assert renewed.places == {"mine": (1, NOW + LEASE // 2 + LEASE)}
    assert decide(renewed, PLACES, [], MINE, NOW + LEASE).state.places == {}


def test_a_longer_pause_is_not_made_shorter_by_a_later_one():
    state = decide(State(), TEN_A_SECOND, [], Share(holder="mine", pause=30 * SECOND), NOW).state
    state = decide(state, TEN_A_SECOND, [], Share(holder="other", pause=SECOND), NOW).state
    assert state.paused_until == at(30)


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"places": 3}', '{"places": {}, "waiting": {}, "hats": 3}', '{"places":{"a":1}}']
)
def test_a_state_that_cannot_be_read_is_a_fresh_start(text):
    assert State.load(text) == State()


def test_a_state_is_read_as_it_was_written():
    state = State(
        requests_at=1,
        tokens_at=2,
        paused_until=3,
        people_until=4,
        places={"b": (1, 2), "a": (3, 4)},
        waiting={"c": (5, 6)},
    )
    assert State.load(state.dump()) == state

"""Answers that were paid for before: looked up before a call is made, kept after it.

Off unless a prompt or a call says for how long an answer may be used again. A hit is a call in the log like any other,
that sent nothing, cost nothing, and says what it saved.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from django.utils import timezone

from aiops.cache.answers import CachedCompletion, NewAnswer, keep, look_up
from aiops.cache.key import key_of
from aiops.catalogue.access import is_usable
from aiops.execution.ask import Ended
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared
from aiops.gateway.dialects import Request
from aiops.gateway.usage import Usage

UNCACHED = frozenset({"logprobs", "tools", "n"})
"""Parameters whose answers hold what is not kept."""


def key_for(prepared: Prepared) -> str | None:
    """Under what its answer is kept; None where none may be."""
    request = prepared.request
    if not prepared.plan.reusable_for or not isinstance(request, Request) or UNCACHED & request.parameters.keys():
        return None
    if not is_usable(request.model, prepared.plan.connection.alias, prepared.about.user_id):
        # It goes on as a call that is to be sent, and is refused as one.
        return None
    return key_of(request, prepared.plan.connection)


def with_answers(window: Collection[Prepared]) -> list[Prepared]:
    """The calls of a window, each with the answer that is there for it. One query; none where nothing may be reused."""
    keys = {one.call_id: key for one in window if (key := key_for(one)) is not None}
    found = look_up(set(keys.values()), now=timezone.now()) if keys else {}
    return [reusing(one, found.get(keys.get(one.call_id, ""))) for one in window]


def reusing(prepared: Prepared, answer: CachedCompletion | None) -> Prepared:
    """The call that gives an answer again instead of asking; itself where there is none."""
    return prepared if answer is None else replace(prepared, reused=answer, ceiling=0)


def ended_by(prepared: Prepared) -> Ended:
    """The end of a call that sent nothing.

    Raises:
        TypeError: there is no answer for it.
    """
    if prepared.reused is None:
        raise TypeError("There is no answer to be given again.")
    # Nothing was used this time.
    completion = replace(
        prepared.reused.completion, usage=Usage(), raw_usage={}, request_id="", first_byte_ms=None, total_ms=None
    )
    return Ended(
        prepared=prepared,
        completion=completion,
        error=None,
        failures=(),
        attempts=0,
        held_attempt=1,
        ended_at=timezone.now(),
        started=time.monotonic(),
    )


def keep_answers(done: Collection[tuple[Prepared, Outcome]]) -> None:
    """Keep what came of these for the next that ask the same: after the money is settled, outside its transaction."""
    by_lifetime: dict[int, list[NewAnswer]] = {}
    for prepared, outcome in done:
        new = new_answer(prepared, outcome)
        if new is not None:
            by_lifetime.setdefault(prepared.plan.reusable_for, []).append(new)
    for ttl, answers in by_lifetime.items():
        keep(answers, ttl=ttl, now=timezone.now())


def new_answer(prepared: Prepared, outcome: Outcome) -> NewAnswer | None:
    """What may be kept of a call; None where nothing may: an error, or an answer of somebody else than was meant."""
    came = outcome.end.completion
    key = key_for(prepared)
    if key is None or came is None or not outcome.succeeded or prepared.reused is not None or came.tool_calls:
        return None
    if outcome.end.connection_answered:
        return None
    return NewAnswer(
        key=key,
        completion=replace(came, body={}, result=None),
        connection=prepared.request.connection,
        model=prepared.request.model,
        cost=outcome.cost,
        call_id=outcome.call_id,
        prompt_version_id=prepared.plan.version.pk if prepared.plan.version else None,
    )

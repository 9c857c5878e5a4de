"""One tiny question for each thing that a server may be able to do: calls like every other, logged and paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.client.chat import chat_completion_of
from aiops.client.defaults import default_model
from aiops.execution.call import make_call
from aiops.execution.errors import REFUSALS
from aiops.execution.judge import Outcome
from aiops.execution.prepare import About, Prepared, prepare_request
from aiops.execution.streaming import stream_call
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import AnyRequest, DecisionRequest, EmbeddingRequest, Request
from aiops.gateway.model_rules import rules_of
from aiops.gateway.retry import RetryPolicy
from aiops.health.findings import Finding, State

PURPOSE = "check_connections"
"""By it these calls are found in the log."""

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}

ENOUGH = frozenset({"", "cut_off"})
"""How a call may end that shows that the server can: a model that thought until its limit was asked all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """Something that a server can do, or not."""

    what: str
    request: Callable[[Connection], AnyRequest]

    setting: str = ""
    """The option that says whether it can; empty where none does, and it is only told."""

    forced: Mapping[str, Any] | None = None
    """Options to ask under, so that the question is asked whatever the settings say."""

    shown: Callable[[Outcome], bool] = lambda outcome: True
    """Whether the answer shows that it can, beyond being one."""

    streamed: bool = False

    def expected(self, connection: Connection) -> bool | None:
        """What the settings say; None where they say nothing."""
        if not self.setting:
            return None
        return bool(getattr(connection, self.setting.lower()))


def _question(connection: Connection, **more: Any) -> Request:
    messages = [{"role": "user", "content": 'Is water wet? Answer with JSON: {"answer": "yes"} or {"answer": "no"}.'}]
    return Request(connection=connection.alias, model=connection.model, messages=messages, output_limit=64, **more)


def _with_logprobs(connection: Connection) -> Request:
    rules = rules_of(connection, connection.model)
    # A model that thinks tells no probabilities.
    unthinking = {"reasoning_effort": "none"} if rules.may_not_reason else {}
    return _question(connection, parameters={"logprobs": True, "top_logprobs": 1, **unthinking})


def _tells_logprobs(outcome: Outcome) -> bool:
    completion = outcome.end.completion
    if completion is None:
        return False
    told = chat_completion_of(completion, outcome.call_id).choices[0].logprobs
    return bool(told and told.content)


def _embedding(connection: Connection) -> EmbeddingRequest:
    model = default_model("embedding", connection, today=timezone.localdate())
    return EmbeddingRequest(connection=connection.alias, model=model, texts=["water"])


def _decision(connection: Connection) -> DecisionRequest:
    choices = [{"value": "yes"}, {"value": "no"}]
    question = {"type": "choice", "instructions": "Is it wet?", "choices": choices}
    return DecisionRequest(connection=connection.alias, model=connection.model, text="water", questions=[question])


ANSWER = Ability(what="answer", request=_question)

ABILITIES = (
    Ability(what="stream", request=_question, streamed=True),
    Ability(
        what="JSON schema",
        request=lambda connection: _question(connection, schema=SCHEMA, schema_name="answer"),
        setting="SUPPORTS_JSON_SCHEMA",
        forced={"supports_json_schema": True},
    ),
    Ability(what="logprobs", request=_with_logprobs, setting="SUPPORTS_LOGPROBS", shown=_tells_logprobs),
    Ability(what="embeddings", request=_embedding),
    Ability(what="decisions", request=_decision, setting="SUPPORTS_DECISIONS"),
    Ability(what="chat", request=_question, forced={"api": "chat"}),
    Ability(what="responses", request=_question, forced={"api": "responses"}),
)


def ask(connection: Connection, *, by: Any, timeout: float) -> Iterator[Finding]:
    """Ask for an answer, and where one comes, for each thing that the server may be able to do.

    Args:
        by: the user of the site; None where a command asks.
        timeout: seconds for each question.
    """
    answered = _asked(ANSWER, connection, by=by, timeout=timeout)
    yield answered
    if answered.state != State.YES:
        return
    for ability in ABILITIES:
        if ability.what != connection.api:
            yield _asked(ability, connection, by=by, timeout=timeout)


def _asked(ability: Ability, connection: Connection, *, by: Any, timeout: float) -> Finding:
    try:
        outcome = _outcome(_prepared(ability, connection, by, timeout), streamed=ability.streamed)
    except (*REFUSALS, ValueError) as error:
        return Finding(what=ability.what, state=State.UNKNOWN, said=_("not asked: %s") % error, wrong=True)
    can = outcome.error_kind in ENOUGH and ability.shown(outcome)
    ms = outcome.end.completion.total_ms if outcome.end.completion else None
    expected = True if ability is ANSWER or ability.streamed else ability.expected(connection)
    return Finding(
        what=ability.what,
        state=State.YES if can else State.NO,
        said=_said(ability, outcome, can=can, expected=expected),
        wrong=expected is True and not can,
        ms=ms,
        cost=outcome.cost,
    )


def _prepared(ability: Ability, connection: Connection, by: Any, timeout: float) -> Prepared:
    about = About(user_id=getattr(by, "pk", None), purpose=PURPOSE)
    # Nothing is tried again: how it is just now is what is asked.
    policy = RetryPolicy(attempts=1, deadline=timeout)
    prepared = prepare_request(ability.request(connection), about, retry=policy, now=timezone.now())
    under = replace(connection, **(ability.forced or {}))
    return replace(prepared, plan=replace(prepared.plan, connection=under))


def _outcome(prepared: Prepared, *, streamed: bool) -> Outcome:
    if not streamed:
        return make_call(prepared)
    *_pieces, outcome = stream_call(prepared)
    if not isinstance(outcome, Outcome):
        raise TypeError(outcome)
    return outcome


def _said(ability: Ability, outcome: Outcome, *, can: bool, expected: bool | None) -> str:
    if can:
        return _("yes, though %s is off") % ability.setting if expected is False else _("yes")
    why = outcome.error_text
    if expected and ability.setting:
        return _("no, though %(setting)s is on: %(why)s") % {
            "setting": ability.setting,
            "why": why or _("the answer has none."),
        }
    return _("no: %s") % why if expected and why else _("no")

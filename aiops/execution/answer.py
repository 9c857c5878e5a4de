"""One prompt, end to end: render, hold, ask, validate, settle, log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from aiops.execution.chain import acarry_out, carry_out
from aiops.execution.judge import Outcome, judge
from aiops.execution.prepare import About, Prepared, make_plan, prepare
from aiops.execution.window import close_window, durable, hold_again, open_window
from aiops.gateway.retry import RetryPolicy
from aiops.ledger.errors import LedgerError
from aiops.ledger.holds import Ending
from prompts.models import PromptVersion


def answer(
    version: PromptVersion,
    variables: Mapping[str, object],
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    row: models.Model | None = None,
) -> Outcome:
    """Ask one version once. The call is logged and its money settled, whatever comes of it.

    Args:
        variables: plain data for the templates.
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.
        user: who asks.
        row: which row it is about.

    Returns:
        What came of it; a provider's failure is an outcome, not an exception.

    Raises:
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
    prepared = begin(version, variables, connection=connection, model=model, user=user, row=row)
    return _finish(judge(carry_out(prepared, policy_of(prepared), rehold=rehold)))


async def aanswer(
    version: PromptVersion,
    variables: Mapping[str, object],
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    row: models.Model | None = None,
) -> Outcome:
    """As `answer`, without blocking the event loop."""
    prepared = await sync_to_async(begin)(version, variables, connection=connection, model=model, user=user, row=row)
    ended = await acarry_out(prepared, policy_of(prepared), rehold=sync_to_async(rehold))
    return await sync_to_async(_finish)(judge(ended))


def begin(
    version: PromptVersion,
    variables: Mapping[str, object],
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    row: models.Model | None = None,
) -> Prepared:
    """Render, record and hold: afterwards the call may leave. Arguments and refusals as in `answer`."""
    now = timezone.now()
    plan = make_plan(version, connection=connection, model=model, now=now)
    prepared = prepare(plan, variables, _about(user, row))
    with durable():
        opened = open_window([prepared], now=now)
    if opened.refusal:
        raise opened.refusal
    return prepared


def rehold(prepared: Prepared, spent: Ending, attempt: int) -> LedgerError | None:
    """`hold_again` in a transaction of its own."""
    with durable():
        return hold_again(prepared, spent, attempt=attempt, now=timezone.now())


def policy_of(prepared: Prepared) -> RetryPolicy:
    """How patiently a call is sent again."""
    return RetryPolicy(deadline=prepared.plan.connection.deadline)


def _finish(outcome: Outcome) -> Outcome:
    with durable():
        close_window([outcome])
    return outcome


def _about(user: Any, row: models.Model | None) -> About:
    if row is None:
        return About(user_id=getattr(user, "pk", None))
    kind = ContentType.objects.get_for_model(row)
    return About(user_id=getattr(user, "pk", None), row_type_id=kind.pk, row_key=str(row.pk))

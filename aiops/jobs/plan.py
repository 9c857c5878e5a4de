"""What a job will ask: whatever can be refused before a row is looked at is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiops.catalogue.access import require_usable
from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import Plan, make_plan
from aiops.jobs.doorbell import doorbell
from aiops.jobs.errors import JobRefused
from aiops.jobs.sources import Source, SourceError, check_rows, check_variables
from aiops.ledger.errors import UnpricedModel
from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import ChargedTo
from prompts.models import PromptVersion


@dataclass(frozen=True, slots=True)
class Checked:
    """A version, a source and a connection that fit one another."""

    plan: Plan
    rows: int


def charged_to(plan: Plan, user_id: Any) -> ChargedTo:
    """Whose budgets count what a job asks, before there is one."""
    prompt_id = plan.version.prompt_id if plan.version else None
    return ChargedTo(connection=plan.connection.alias, prompt_id=prompt_id, user_id=user_id)


def fit(version: PromptVersion, source: Source, *, connection: str, model: str, user_id: Any, now: datetime) -> Plan:
    """See that a version can be run over such rows, whether there are any or not.

    Raises:
        SourceError, or one of `REFUSALS`: it cannot; the sentence says what to do.
    """
    check_variables(source, version.variables)
    plan = make_plan(version, connection=connection, model=model, now=now)
    require_usable(plan.model, plan.connection.alias, user_id)
    doorbell()
    if plan.price is None and periods_of(charged_to(plan, user_id), now):
        raise UnpricedModel(plan.model, plan.connection.alias)
    return plan


def check(
    version: PromptVersion,
    source: Source,
    *,
    connection: str = "",
    model: str = "",
    user_id: Any = None,
    now: datetime,
) -> Checked:
    """See that a version can be run over a source, by a user where one is named.

    Raises:
        JobRefused: it cannot; the sentence says what to do.
    """
    try:
        plan = fit(version, source, connection=connection, model=model, user_id=user_id, now=now)
        rows = check_rows(source)
    except (SourceError, *REFUSALS) as error:
        raise JobRefused(str(error)) from error
    return Checked(plan, rows)

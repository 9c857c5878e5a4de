"""What a job will ask: whatever can be refused before a row is looked at is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from aiops.catalogue.access import require_usable
from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import Plan, in_batches, make_plan
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


def fit(
    version: PromptVersion,
    source: Source,
    *,
    connection: str,
    model: str,
    user_id: Any,
    batch: bool = False,
    now: datetime,
) -> Plan:
    """See that a version can be run over such rows, whether there are any or not.

    Args:
        batch: in batches.

    Raises:
        SourceError, or one of `REFUSALS`: it cannot; the sentence says what to do.
    """
    check_variables(source, version.variables)
    plan = make_plan(version, connection=connection, model=model, now=now)
    if batch:
        plan = _in_batches(plan, now)
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
    batch: bool = False,
    now: datetime,
) -> Checked:
    """See that a version can be run over a source, by a user where one is named.

    Args:
        batch: in batches.

    Raises:
        JobRefused: it cannot; the sentence says what to do.
    """
    try:
        plan = fit(version, source, connection=connection, model=model, user_id=user_id, batch=batch, now=now)
        rows = check_rows(source)
    except (SourceError, *REFUSALS) as error:
        raise JobRefused(str(error)) from error
    return Checked(plan, rows)


def _in_batches(plan: Plan, now: datetime) -> Plan:
    if not plan.connection.supports_batch:
        words = {"alias": plan.connection.alias}
        raise JobRefused(
            _(
                "The connection “%(alias)s” has no batches: run it live, choose another connection, "
                "or say SUPPORTS_BATCH in its settings where its server has them."
            )
            % words
        )
    return in_batches(plan, now=now)

"""Money that is set aside, and budgets that let nothing through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.calls.models import Call
from aiops.gateway.connections import usable_connections
from aiops.health.ages import age, long
from aiops.health.signs import Level, Sign
from aiops.jobs.batch.filling import LEASE
from aiops.jobs.claim import lease
from aiops.ledger.models import BudgetPeriod
from aiops.ledger.money import dollars

MOST = 1000
"""Rows that are looked at."""

LEEWAY = timedelta(minutes=5)
"""After a lease the sweeper closes the call, within a minute or two."""


def of_calls_under_way(now: datetime) -> Sign:
    """The oldest call whose end nobody knows: what it holds stays held."""
    # By key, which is by age: along an index, and never further than this.
    started = list(Call.objects.open().order_by("pk").values_list("started_at", flat=True)[: MOST + 1])
    if not started:
        said = _("No call is under way.")
        return Sign(what="calls", level=Level.OK, said=said, facts={"under_way": 0, "oldest": None})
    usable, _wrong = usable_connections()
    longest = max((lease(connection) for connection in usable.values()), default=timedelta(hours=1))
    oldest = age(min(started), now)
    text = ngettext(
        "%(n)s call is under way, the oldest for %(long)s.",
        "%(n)s calls are under way, the oldest for %(long)s.",
        len(started),
    )
    number = f"{MOST:,}+" if len(started) > MOST else f"{len(started):,}"
    # One that waits in a batch may be as old as any batch becomes.
    given_up = now - LEEWAY
    stuck = Call.objects.open().begun_before(given_up - longest, given_up - LEASE).exists()
    return Sign(
        what="calls",
        level=Level.BAD if stuck else Level.OK,
        said=text % {"n": number, "long": long(oldest)},
        remedy=_("The sweeper closes calls of processes that died: see that workers run.") if stuck else "",
        facts={"under_way": len(started), "oldest": oldest},
        page="aiops_call_changelist?status=sending",
    )


def of_budgets(now: datetime) -> Iterator[Sign]:
    """What is set aside in all of them, and which are frozen."""
    rows = BudgetPeriod.objects.filter(Q(held__gt=0) | Q(frozen=True)).select_related("budget").order_by("pk")
    # In one statement, for what is held and what is under way change together.
    found: list[Any] = list(rows.annotate(any_call=Exists(Call.objects.open()))[:MOST])
    held = sum(period.held for period in found)
    orphaned = held > 0 and not any(period.any_call for period in found)
    yield Sign(
        what="held",
        level=Level.WARN if orphaned else Level.OK,
        said=_("%s is set aside, and no call is under way.") % dollars(held)
        if orphaned
        else _("%s is set aside for calls under way.") % dollars(held),
        remedy=_("See what the holds add up to: manage.py rebuild_budgets --check") if orphaned else "",
        facts={"held": held},
        page="aiops_budget_changelist",
    )
    frozen = [period for period in found if period.frozen and (period.ends_at is None or period.ends_at > now)]
    if frozen:
        text = ngettext("The budget %(names)s is frozen.", "The budgets %(names)s are frozen.", len(frozen))
        yield Sign(
            what="frozen",
            level=Level.WARN,
            said=text % {"names": ", ".join(f"“{name}”" for name in sorted({str(one.budget) for one in frozen})[:5])},
            remedy=_("Read why on its page, then unfreeze it there."),
            facts={"frozen": len(frozen)},
            page="aiops_budget_changelist",
        )

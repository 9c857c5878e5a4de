"""What a quote says beside its numbers."""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.jobs.quote import BudgetLeft
from aiops.jobs.sources import Source
from aiops.ledger.money import dollars
from prompts.models import PromptVersion


def leaving(version: PromptVersion, rows: Source) -> str:
    """The fields that the version reads: of what may leave the building, what will."""
    return ", ".join(sorted((version.variables | version.optional) & rows.variables)) or _("nothing of the rows")


def budget_sentence(budget: BudgetLeft) -> str:
    """What the job may take of one budget, in a sentence."""
    words = {"name": budget.name, "left": dollars(budget.left)}
    if budget.after is None:
        return _("Budget “%(name)s”: %(left)s left.") % words
    words["cost"] = dollars(budget.left - budget.after)
    if budget.after < 0:
        return _("Budget “%(name)s”: %(left)s left, which may not be enough; the job pauses when it is spent.") % words
    return _("Budget “%(name)s”: %(left)s left, of which this takes %(cost)s at most.") % words

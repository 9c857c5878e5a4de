"""`start_job` for the shop's code: a prompt by its name, rows as a queryset, money in dollars."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from aiops.jobs.errors import JobRefused
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.models import Job, Priority
from aiops.jobs.models.priority import WORDS
from aiops.jobs.sources import ModelSource, Source, SourceError
from aiops.jobs.start import start_job as start
from aiops.ledger.money import to_nanos
from aiops.resources import ResourceError
from prompts.errors import PromptError, choices
from prompts.lookup import find_version
from prompts.models import PromptVersion

ONLY = {"changed": {Standing.NEW, Standing.CHANGED}, "new": {Standing.NEW}}


def start_job(
    prompt: str | PromptVersion,
    rows: QuerySet[Any] | type[Model] | Source,
    *,
    only: str = "",
    user: Any = None,
    connection: str = "",
    model: str = "",
    most_cost: Decimal | float | str | None = None,
    most_failures: int | None = None,
    most_failed_percent: int | None = None,
    try_first: int = 0,
    priority: str = "normal",
) -> Job:
    """Run a prompt over rows, in the background.

        job = start_job("triage-ticket", Ticket.objects.filter(category=""), most_cost=2)

    Args:
        prompt: `triage-ticket` (its label production), `triage-ticket@staging`, `triage-ticket@7`, or a version.
        rows: a queryset, a model for all of its rows, or a source. Of a row only what its registered source names is
            read. The code that calls answers for which rows these are: no admin is asked.
        only: `changed` for rows that are new or have changed since the prompt answered them, `new` for those that it
            never answered; empty for all.
        user: who starts it, for the records and the budgets.
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.
        most_cost: dollars at which it is paused, whatever the budgets have. None: no more than they.
        most_failures: after so many rows that failed one after the other it is paused.
        most_failed_percent: with a larger share of failed rows, of 20 at least, it is paused.
        try_first: so many rows from all over the source are asked first; then it is paused, and says what the others
            will cost.
        priority: `high`, `normal` or `low`. Where jobs wait for a worker, the more urgent ones go first.

    Returns:
        The job; `job.wait()` waits for it, `job.results()` gives what came of the rows.

    Raises:
        JobRefused: with one sentence that says what to do; nothing was made. No row to ask is a refusal, too.
    """
    if only and only not in ONLY:
        raise JobRefused(_("only is “%(only)s”: it must be changed, new, or left out.") % {"only": only})
    if priority not in WORDS:
        words = {"priority": priority, "words": choices(WORDS)}
        raise JobRefused(_("priority is “%(priority)s”: it must be one of %(words)s.") % words)
    try:
        version = find_version(prompt) if isinstance(prompt, str) else prompt
        source = _source(rows)
        if only:
            if not isinstance(source, ModelSource):
                raise JobRefused(_("Rows of a file are new each time: leave only out."))
            source = in_need(source, version, ONLY[only])
    except (PromptError, SourceError, ResourceError) as error:
        raise JobRefused(str(error)) from error
    return start(
        version,
        source,
        user=user,
        connection=connection,
        model=model,
        most_cost=None if most_cost is None else to_nanos(Decimal(str(most_cost))),
        most_failures=most_failures,
        most_failed_percent=most_failed_percent,
        try_first=try_first,
        priority=Priority[priority.upper()],
    )


def _source(rows: QuerySet[Any] | type[Model] | Source) -> Source:
    if isinstance(rows, type) and issubclass(rows, Model):
        rows = rows._default_manager.all()
    return ModelSource(rows) if isinstance(rows, QuerySet) else rows

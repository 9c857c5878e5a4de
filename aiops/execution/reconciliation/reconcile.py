"""The one thing that every door calls: read or ask for the bill, add up the log, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.execution.reconciliation.asking import asked_bill
from aiops.execution.reconciliation.bill import Bill
from aiops.execution.reconciliation.compared import CENT, Comparison, compare
from aiops.execution.reconciliation.errors import NothingToCompare
from aiops.execution.reconciliation.exports import lines_in
from aiops.execution.reconciliation.logged import logged
from aiops.execution.reconciliation.names import naming
from aiops.gateway.connections import connection_options, get_connection

USUAL_DAYS = 7
"""Where nobody says which: so many before today, which is not over yet."""

MOST_DAYS = 400


def reconcile(
    files: Sequence[Path] = (),
    *,
    connections: Sequence[str] = ("default",),
    since: date | None = None,
    until: date | None = None,
    limit: Decimal = Decimal(2),
    least: int = CENT,
    same: Mapping[str, str] | None = None,
    now: datetime,
) -> Comparison:
    """Compare the log with what a provider has billed. Nothing is changed, and no money is spent.

    Args:
        files: what was exported; without one, the provider of the first connection is asked.
        connections: aliases of all that are billed together.
        since: the first day, of UTC; None for the first of the files, or a week ago.
        until: the last one; None for the last of the files, or yesterday.
        limit: percent by which they may differ.
        least: nano-dollars: a smaller difference is none.
        same: the provider's name of a model → ours, where `model_in` does not find that they are one.

    Raises:
        ReconciliationError: a file cannot be read, or there is nothing to compare.
        ConnectionProblem: there is no such connection, or no key to read its bill with.
        GatewayError: the provider told no bill.
    """
    name_of = naming(same or {})
    _require_known(connections)
    if files:
        bill = Bill()
        for file in files:
            bill.add(lines_in(file), name_of)
        first, last = _days(since or min(bill.days, default=None), until or max(bill.days, default=None))
    else:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        last_day = until or yesterday
        first, last = _days(since or last_day - timedelta(days=USUAL_DAYS - 1), last_day)
        bill = asked_bill(get_connection(connections[0]), name_of, since=first, until=last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    log = logged(set(connections), days, name_of)
    return compare(bill, log, since=first, until=last, limit=limit, least=least)


def _require_known(connections: Sequence[str]) -> None:
    """One that was taken out of the settings has its calls in the log still; one that never was is misspelt."""
    for alias in connections:
        if alias not in connection_options() and not Call.objects.filter(connection=alias).exists():
            get_connection(alias)


def _days(since: date | None, until: date | None) -> tuple[date, date]:
    if since is None or until is None:
        raise NothingToCompare(_("There is no day in what was given."))
    if since > until:
        raise NothingToCompare(
            _("The first day, %(since)s, is after the last, %(until)s.") % {"since": since, "until": until}
        )
    if (until - since).days >= MOST_DAYS:
        raise NothingToCompare(_("These are more than %(most)s days: name fewer.") % {"most": MOST_DAYS})
    return since, until

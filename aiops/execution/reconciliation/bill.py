"""What a provider says that it billed, and counted: by day and model, out of whichever form it came in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from aiops.execution.reconciliation.errors import UnreadableBill
from aiops.execution.reconciliation.figures import Figures, Key
from aiops.execution.reconciliation.names import NameOf
from aiops.ledger.money import to_nanos

MOST_DOLLARS = Decimal(10**9)
"""Of one line."""

LONGEST_DAY = 25 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line of a bill, or of an account of use."""

    day: date
    name: str
    """As the provider has it; empty where it is told for all models together."""

    figures: Figures


@dataclass(slots=True)
class Bill:
    """All of it."""

    figures: defaultdict[Key, Figures] = field(default_factory=lambda: defaultdict(Figures))
    days: set[date] = field(default_factory=set)
    """Those that it is about, be there anything on them or not."""

    has_costs: bool = False
    """Else it says only what was used."""

    is_by_model: bool = False
    """Whether any cost is told for a model; else they are told for a day."""

    def add(self, lines: Iterable[BillLine], name_of: NameOf) -> None:
        """Add lines up."""
        for line in lines:
            name, figures = name_of(line.name), line.figures
            self.days.add(line.day)
            self.has_costs = self.has_costs or figures.cost is not None
            if name or figures.cost or figures.calls:
                self.figures[line.day, name] += figures
                self.is_by_model = self.is_by_model or bool(name and figures.cost is not None)

    def between(self, since: date, until: date) -> dict[Key, Figures]:
        """What it says of these days, the last one included."""
        return {key: figures for key, figures in self.figures.items() if since <= key[0] <= until}


def lines_of(page: Any) -> Iterable[BillLine]:
    """The lines of a page of OpenAI's interface, or of several in a list.

    Raises:
        UnreadableBill: it is none.
    """
    if isinstance(page, list):
        for one in page:
            yield from lines_of(one)
        return
    try:
        buckets = page.get("data", [page])
        for bucket in buckets:
            start, end = bucket["start_time"], bucket.get("end_time")
            if end is not None and end - start > LONGEST_DAY:
                raise UnreadableBill(
                    _("It is told in steps longer than a day: ask for it by the day (bucket_width=1d).")
                )
            day = datetime.fromtimestamp(start, UTC).date()
            results = bucket.get("results", bucket.get("result")) or ()
            if not results:
                yield BillLine(day=day, name="", figures=Figures())
            for result in results:
                yield _line(day, result)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise UnreadableBill(
            _("This is no page of costs or usage: each needs “data”, a list of days with “start_time” and “results”.")
        ) from error


def _line(day: date, result: Mapping[str, Any]) -> BillLine:
    if "amount" in result:
        amount = result["amount"] or {}
        cost = nanos(amount.get("value"), amount.get("currency"))
        return BillLine(day=day, name=str(result.get("line_item") or ""), figures=Figures(cost=cost))
    return BillLine(
        day=day,
        name=str(result.get("model") or ""),
        figures=Figures(
            calls=count(result.get("num_model_requests")),
            tokens_in=count(result.get("input_tokens")),
            tokens_out=count(result.get("output_tokens")),
        ),
    )


def nanos(value: object, currency: object) -> int:
    """Dollars as a bill has them, a number or a text, as nano-dollars. Nothing is zero: the line is there.

    Raises:
        UnreadableBill: it is no sum of dollars.
    """
    if value in (None, ""):
        return 0
    if str(currency or "usd").strip().lower() != "usd":
        raise UnreadableBill(
            _("It is billed in %(currency)s: only dollars can be compared with what calls cost here.")
            % {"currency": str(currency)[:16]}
        )
    try:
        dollars = Decimal(str(value).strip())
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite() or abs(dollars) > MOST_DOLLARS:
        raise UnreadableBill(_("“%(value)s” is no sum of dollars.") % {"value": str(value)[:40]})
    return to_nanos(dollars)


def count(value: object) -> int | None:
    """A number of calls or tokens; None where none is told.

    Raises:
        UnreadableBill: it is none.
    """
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or not 0 <= number < 2**63 or number != int(number):
        raise UnreadableBill(_("“%(value)s” is no number of calls or tokens.") % {"value": str(value)[:40]})
    return int(number)

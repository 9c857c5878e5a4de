"""The two sides beside each other: by how much they differ, and what only one of them knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from aiops.execution.reconciliation.bill import Bill
from aiops.execution.reconciliation.figures import Figures, Key
from aiops.ledger.money import NANOS

CENT = NANOS // 100

FEW_TOKENS = 1000
"""A difference of fewer is none, where a bill says nothing of costs."""


class Side(StrEnum):
    """Who knows of it."""

    BOTH = "both"
    LOGGED = "logged"
    """Only we do."""
    BILLED = "billed"
    """Only the provider does: somebody else's use of the account, or calls that went around the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What both sides say of a model on a day."""

    day: date | None
    """None: on all days together."""

    model: str
    """Empty: all models together."""

    side: Side
    logged: Figures
    billed: Figures

    in_money: bool
    """Whether costs are compared; else tokens are, since the bill has no costs."""

    limit: Decimal
    """Percent by which they may differ."""

    least: int
    """Nano-dollars: a smaller difference is none."""

    @property
    def difference(self) -> int:
        """What the log has beyond the bill: nano-dollars, or tokens."""
        if self.in_money:
            return (self.logged.cost or 0) - (self.billed.cost or 0)
        return (self.logged.tokens or 0) - (self.billed.tokens or 0)

    @property
    def drift(self) -> Decimal | None:
        """The difference in percent of the bill, to a tenth; None where nothing was billed."""
        base = (self.billed.cost if self.in_money else self.billed.tokens) or 0
        if base == 0:
            return None
        return (Decimal(self.difference) * 100 / abs(base)).quantize(Decimal("0.1"), ROUND_HALF_UP)

    @property
    def is_off(self) -> bool:
        """Whether somebody ought to look."""
        size = abs(self.difference)
        if size < (self.least if self.in_money else FEW_TOKENS):
            return False
        base = abs((self.billed.cost if self.in_money else self.billed.tokens) or 0)
        return size * 100 > self.limit * base


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All of it."""

    since: date
    until: date
    """The last day."""

    lines: tuple[Line, ...]
    """By day, then by model."""

    models: tuple[Line, ...]
    """Each over all days: dearest first."""

    total: Line

    @property
    def off(self) -> tuple[Line, ...]:
        """Those that somebody ought to look at, the total among them."""
        return tuple(line for line in (*self.lines, self.total) if line.is_off)

    def only(self, side: Side) -> int:
        """Nano-dollars, or tokens, that only one of the two knows of."""
        return abs(sum(line.difference for line in self.lines if line.side == side))


def compare(
    bill: Bill, log: Mapping[Key, Figures], *, since: date, until: date, limit: Decimal, least: int = CENT
) -> Comparison:
    """Put a bill beside the log.

    Args:
        log: of the same days, by the same names.
        until: the last day.
        limit: percent by which a day and model, or the total, may differ.
        least: nano-dollars: a smaller difference is none, whatever share it is.
    """
    billed: Mapping[Key, Figures] = bill.between(since, until)
    if bill.has_costs and not bill.is_by_model:
        billed, log = _all_models(billed), _all_models(log)

    def line(day: date | None, model: str, side: Side, of_log: Figures, of_bill: Figures) -> Line:
        return Line(
            day=day,
            model=model,
            side=side,
            logged=of_log,
            billed=of_bill,
            in_money=bill.has_costs,
            limit=limit,
            least=least,
        )

    # What cost nothing, of which the provider says nothing, was no use of theirs: of a free model, or never answered.
    keys = sorted({*billed, *(key for key, figures in log.items() if key in billed or figures.cost or figures.unknown)})
    none = Figures()
    lines = tuple(line(*key, _side(key, billed, log), log.get(key, none), billed.get(key, none)) for key in keys)
    by_model: defaultdict[str, list[Line]] = defaultdict(list)
    for one in lines:
        by_model[one.model].append(one)
    models = [
        line(
            None,
            model,
            Side.BOTH if len({one.side for one in ones}) > 1 else ones[0].side,
            Figures.of(one.logged for one in ones),
            Figures.of(one.billed for one in ones),
        )
        for model, ones in by_model.items()
    ]
    return Comparison(
        since=since,
        until=until,
        lines=lines,
        models=tuple(sorted(models, key=lambda one: (-max(one.billed.cost or 0, one.logged.cost or 0), one.model))),
        total=line(
            None,
            "",
            Side.BOTH,
            Figures.of(one.logged for one in lines),
            Figures.of(one.billed for one in lines),
        ),
    )


def _side(key: Key, billed: Mapping[Key, Figures], log: Mapping[Key, Figures]) -> Side:
    if key not in log:
        return Side.BILLED
    return Side.BOTH if key in billed else Side.LOGGED


def _all_models(figures: Mapping[Key, Figures]) -> dict[Key, Figures]:
    """As a bill has it that tells days, and no models."""
    found: defaultdict[Key, Figures] = defaultdict(Figures)
    for (day, _model), one in figures.items():
        found[day, ""] += one
    return dict(found)

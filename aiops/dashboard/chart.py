"""Days as bars, models stacked in them: an SVG, and the numbers behind it.

Put together here and not by a template, which takes ten times as long for as many pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from math import floor, log10

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from aiops.ledger.money import NANOS, dollars

SERIES = 6
"""Models with a colour of their own; the cheapest share one."""

WIDTH, HEIGHT = 960, 240
LEFT, TOP, BOTTOM = 72, 12, 28
"""Room for what the axes say."""

OTHERS = ""
"""Stands for the models that share a colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Costs by day and model, the dearest models first. Nano-dollars."""

    days: Sequence[date]
    models: Sequence[str]
    costs: Mapping[tuple[date, str], int]

    def of_day(self, day: date) -> list[tuple[int, str, int]]:
        """Number of the model, its name, its cost, of each that cost anything."""
        costs = self.costs
        return [(number, model, costs[day, model]) for number, model in enumerate(self.models) if (day, model) in costs]

    def legend(self) -> list[tuple[int, str]]:
        """Number and name of each."""
        return [(number, name_of(model)) for number, model in enumerate(self.models)]


def stacked(costs: Mapping[tuple[date, str], int], days: Sequence[date]) -> Stack:
    """Put the cheapest models together."""
    totals: dict[str, int] = {}
    for (_day, model), cost in costs.items():
        totals[model] = totals.get(model, 0) + cost
    dearest = sorted(totals, key=lambda model: (-totals[model], model))
    own = dearest[:SERIES] if len(dearest) > SERIES + 1 else dearest
    found: dict[tuple[date, str], int] = {}
    for (day, model), cost in costs.items():
        where = (day, model if model in own else OTHERS)
        found[where] = found.get(where, 0) + cost
    return Stack(days=days, models=own if len(own) == len(dearest) else [*own, OTHERS], costs=found)


def name_of(model: str) -> str:
    """A model, for people."""
    return model if model != OTHERS else _("other models")


def svg(stack: Stack, address: str) -> SafeString:
    """The bars. Each leads to the calls of its day, for the mouse alone: the numbers beside it do so for everybody.

    Args:
        address: of the list of calls.
    """
    most = max((sum(cost for *_model, cost in stack.of_day(day)) for day in stack.days), default=0)
    step, top = scale(most)
    plot = HEIGHT - TOP - BOTTOM
    slot = (WIDTH - LEFT) / max(1, len(stack.days))
    parts = [
        f'<svg class="aiops-chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_title(stack))}">'
    ]
    for number in range(round(top / step) + 1):
        y = TOP + plot * (1 - number * step / top)
        parts.append(
            f'<line class="aiops-grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{dollars(number * step)}</text>'
        )
    every = max(1, -(-len(stack.days) // 8))
    paths: dict[int, list[str]] = {}
    links = []
    for number, day in enumerate(stack.days):
        x, above = LEFT + number * slot, 0
        if number % every == 0:
            label = escape(date_format(day, "MONTH_DAY_FORMAT"))
            parts.append(f'<text x="{x + slot / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>')
        for series, _model, cost in stack.of_day(day):
            above += cost
            bar = f"M{x + slot * 0.1:.1f} {TOP + plot * (1 - above / top):.1f}h{slot * 0.8:.1f}"
            paths.setdefault(series, []).append(f"{bar}v{plot * cost / top:.1f}h-{slot * 0.8:.1f}z")
        if above:
            links.append(
                f'<a href="{address}?days={day}..{day}" tabindex="-1"><title>{day}: {dollars(above)}</title>'
                f'<rect x="{x:.1f}" y="{TOP}" width="{slot:.1f}" height="{plot}"/></a>'
            )
    parts += [f'<path class="aiops-series-{series}" d="{"".join(bars)}"/>' for series, bars in sorted(paths.items())]
    return mark_safe("".join([*parts, *links, "</svg>"]))  # noqa: S308 - texts are escaped, the rest are numbers


def scale(most: int) -> tuple[int, int]:
    """From one line of the grid to the next, and where the last one is: two to five lines of round dollars."""
    if most <= 0:
        return NANOS, NANOS
    unit = 10 ** floor(log10(most))
    step = next(step for step in (unit // 5, unit // 2, unit, unit * 2) if step and step * 5 >= most)
    return step, step * -(-most // step)


def _title(stack: Stack) -> str:
    days = {"first": date_format(stack.days[0]), "last": date_format(stack.days[-1])}
    return _("Dollars a day, by model, from %(first)s to %(last)s. The numbers are in the table below.") % days

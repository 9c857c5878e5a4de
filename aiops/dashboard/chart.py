"""Days as bars, models stacked in them: an SVG, and the numbers behind it.

Put together here and not by a template, which takes ten times as long for as many pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    costs: Sequence[Sequence[int]]
    """Of each model, what each of the days cost."""

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
    models = own if len(own) == len(dearest) else [*own, OTHERS]
    places = {day: place for place, day in enumerate(days)}
    found = {model: [0] * len(days) for model in models}
    for (day, model), cost in costs.items():
        found[model if model in found else OTHERS][places[day]] += cost
    return Stack(days=days, models=models, costs=list(found.values()))


def name_of(model: str) -> str:
    """A model, for people."""
    return model if model != OTHERS else _("other models")


def svg(stack: Stack, address: str) -> SafeString:
    """The bars. Each leads to the calls of its day, for the mouse alone: the numbers beside it do so for everybody.

    Args:
        address: of the list of calls.
    """
    totals = [sum(of_day) for of_day in zip(*stack.costs, strict=True)] or [0] * len(stack.days)
    step, top = scale(max(totals, default=0))
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
    for number, day in enumerate(stack.days[::every]):
        label = escape(date_format(day, "MONTH_DAY_FORMAT"))
        x = LEFT + (number * every + 0.5) * slot
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{label}</text>')
    parts += _bars(stack, slot, plot / top)
    whole = f"v{plot}h{slot:.1f}v-{plot}z"
    for number, (day, total) in enumerate(zip(stack.days, totals, strict=True)):
        if total:
            parts.append(
                f'<a href="{address}?days={day}..{day}" tabindex="-1"><title>{day}: {dollars(total)}</title>'
                f'<path d="M{LEFT + number * slot:.1f} {TOP}{whole}"/></a>'
            )
    return mark_safe("".join([*parts, "</svg>"]))  # noqa: S308 - texts are escaped, the rest are numbers


def _bars(stack: Stack, slot: float, scale: float) -> Iterator[str]:
    """A path for each model: upright strokes as wide as a bar, each on top of those before.

    Args:
        slot: width of a day.
        scale: height of a nano-dollar.
    """
    middles = [f"M{LEFT + (number + 0.5) * slot:.1f} " for number in range(len(stack.days))]
    floors = [float(HEIGHT - BOTTOM)] * len(stack.days)
    for number, costs in enumerate(stack.costs):
        strokes = []
        for place, cost in enumerate(costs):
            if cost:
                height = cost * scale
                strokes.append(f"{middles[place]}{floors[place]:.1f}v-{height:.1f}")
                floors[place] -= height
        yield f'<path class="aiops-series-{number}" stroke-width="{slot * 0.8:.1f}" d="{"".join(strokes)}"/>'


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

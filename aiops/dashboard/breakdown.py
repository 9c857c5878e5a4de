"""What was spent, by prompt, model, connection, user, group or job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.contrib.auth import get_user_model

from aiops.calls.spend import Spend
from aiops.dashboard.figures import Figures
from aiops.dashboard.reading import Found, Stamps, by_key, times_of
from aiops.dashboard.stretch import Stretch
from aiops.ledger.scopes import Scope, groups_of, names_of
from prompts.models import PromptVersion

BY: Mapping[str, str] = {
    "prompt": Spend.By.VERSION,
    "model": Spend.By.MODEL,
    "connection": Spend.By.CONNECTION,
    "user": Spend.By.USER,
    # Of whoever is in it now: who was in it when they asked is not kept.
    "group": Spend.By.USER,
    "job": Spend.By.JOB,
}
"""Where the rows of each come from."""

OVERLAPS = frozenset({"group"})
"""Of which a call may be counted for several."""

WHOLE = frozenset({"model", "connection"})
"""Every call has one."""

SHOWN = 25
"""Lines; what more there are comes in one."""

MOVERS = 3


@dataclass(slots=True, kw_only=True)
class Line:
    """One prompt, model, …"""

    key: str
    name: str
    figures: Figures
    before: Figures
    """In the stretch before: calls and cost alone."""

    first: date
    last: date
    """Days between which its calls were begun."""

    @property
    def moved(self) -> int:
        """Nano-dollars more than before, or less."""
        return self.figures.cost - self.before.cost

    @property
    def percent(self) -> float | None:
        """How much that is of what it was; None where it was nothing."""
        return 100 * self.moved / self.before.cost if self.before.cost else None


@dataclass(slots=True, kw_only=True)
class Breakdown:
    """The dearest first."""

    by: str
    lines: list[Line] = field(default_factory=list)
    movers: list[Line] = field(default_factory=list)
    """Those that changed most, be it up or down."""

    more: int = 0
    """How many are left out of the lines."""

    rest: Figures | None = None
    """What they came to."""

    outside: Figures | None = None
    """What is of none: calls without a prompt, of nobody, of no job."""


def break_down(
    by: str, stretch: Stretch, everything: Figures, stamps: Stamps, *, most: int | None = SHOWN
) -> Breakdown:
    """Add up by one of `BY`.

    Args:
        everything: what all calls of the stretch came to.
        stamps: of its days, and of those before them.
        most: lines; None for all there are.
    """
    found = by_key(BY[by], stretch, stamps)
    whose = _whose(by, list(found))
    lines = sorted(_lines(found, whose, stretch), key=lambda line: (-line.figures.cost, -line.figures.calls, line.key))
    used = [line for line in lines if line.figures.calls]
    shown = used[:most]
    moved = sorted((line for line in lines if line.moved), key=lambda line: -abs(line.moved))[:MOVERS]
    _name(by, [*shown, *moved])
    _time(by, shown, whose, stretch, stamps)
    done = Breakdown(by=by, lines=shown, movers=moved, more=len(used) - len(shown))
    if done.more and by not in OVERLAPS:
        done.rest = Figures.sum(line.figures for line in used[len(shown) :])
    if by not in WHOLE | OVERLAPS:
        outside = everything.less(Figures.sum(one.figures for one in found.values()))
        done.outside = outside if outside.calls else None
    return done


def _whose(by: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """Key of the database → the prompts or groups that it counts for; others count for themselves."""
    if by == "prompt":
        prompts = dict(PromptVersion.objects.filter(pk__in=keys).values_list("pk", "prompt_id"))
        return {str(version): [str(prompt)] for version, prompt in prompts.items()}
    if by == "group":
        pk = get_user_model()._meta.pk
        groups = groups_of(pk.to_python(key) for key in keys)
        return {str(user): [str(group) for group in of_user] for user, of_user in groups.items()}
    return {key: [key] for key in keys}


def _lines(found: Mapping[str, Found], whose: Mapping[str, Sequence[str]], stretch: Stretch) -> list[Line]:
    parts: defaultdict[str, list[Found]] = defaultdict(list)
    for key, one in found.items():
        for subject in whose.get(key, ()):
            parts[subject].append(one)
    return [_line(subject, some, stretch) for subject, some in parts.items()]


def _line(subject: str, some: Sequence[Found], stretch: Stretch) -> Line:
    one = some[0] if len(some) == 1 else Found.sum(some)
    return Line(
        key=subject,
        name=subject,
        figures=one.figures,
        before=one.before,
        first=one.first or stretch.first,
        last=one.last or stretch.last,
    )


def _name(by: str, lines: Sequence[Line]) -> None:
    """Give them the names that people know. One query, or none."""
    if by == "model":
        return
    names = names_of(Scope(by), {line.key for line in lines})
    for line in lines:
        line.name = names[line.key]


def _time(by: str, lines: Sequence[Line], whose: Mapping[str, Sequence[str]], stretch: Stretch, stamps: Stamps) -> None:
    """Give them their times. One query."""
    shown = {line.key for line in lines}
    keys = [key for key, subjects in whose.items() if shown.intersection(subjects)]
    times = times_of(BY[by], keys, stretch, stamps)
    for line in lines:
        line.figures = line.figures.timed(times[key] for key in keys if key in times and line.key in whose[key])

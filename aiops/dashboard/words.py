"""What was spent, in words."""

from __future__ import annotations

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.dashboard.rate import Outlook
from aiops.dashboard.report import Report
from aiops.ledger.money import dollars
from aiops.templatetags.aiops_format import count

MOST_PERCENT = 999
"""Beyond it a change says no more than that it is large."""


def by_label(by: str) -> str:
    """What it is broken down by, for people."""
    labels = {
        "prompt": _("prompt"),
        "model": _("model"),
        "connection": _("connection"),
        "user": _("user"),
        "group": _("group"),
        "job": _("job"),
    }
    return labels[by]


def change(now: int, before: int) -> str:
    """`▲ 40 %`, `▼ 8 %`, `new`, or `–` where nothing has changed. Of nano-dollars."""
    if now == before:
        return "–"
    if not before:
        return _("new")
    sign = "▲" if now > before else "▼"
    by = round(100 * abs(now - before) / before)
    if not by:
        return "–"
    more = by > MOST_PERCENT
    return _("%(sign)s %(more)s%(percent)s %%") % {
        "sign": sign,
        "more": ">" if more else "",
        "percent": MOST_PERCENT if more else by,
    }


def percent(share: float | None) -> str:
    """Percent with one digit where it matters; a dash where there is nothing to have a share of."""
    if share is None:
        return "–"
    return _("%(percent)s %%") % {"percent": number_format(share, decimal_pos=1 if 0 < share < 10 else 0)}


def forecast(outlook: Outlook) -> str:
    """`at this rate $66.00 by Nov. 30, 2026`"""
    if outlook.at_end is None:
        return _("No whole day has passed yet: where the month is going is told from tomorrow on.")
    words = {"cost": dollars(outlook.at_end), "end": date_format(outlook.ends), "a_day": dollars(outlook.a_day)}
    return _("at this rate %(cost)s by %(end)s (%(a_day)s a day)") % words


def sentences(report: Report) -> list[str]:
    """The report without its table, for terminals and mails."""
    out = report.outlook
    days = {"first": date_format(report.stretch.first), "last": date_format(report.stretch.last)}
    by = by_label(report.broken_down.by)
    said = [_("Spend from %(first)s to %(last)s, by %(by)s") % {**days, "by": by}]
    said.append(
        _("today %(today)s · this month %(month)s") % {"today": dollars(out.today), "month": dollars(out.month)}
    )
    said[-1] += f" · {forecast(out)}" if out.at_end is not None else ""
    if unknown := report.total.unknown_costs:
        said.append(
            ngettext(
                "%(n)s call of unknown cost is not in these sums.",
                "%(n)s calls of unknown cost are not in these sums.",
                unknown,
            )
            % {"n": count(unknown)}
        )
    return said

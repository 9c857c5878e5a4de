"""How numbers, times and states look on every screen: in templates as filters, in admin columns as functions."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.ledger.money import dollars

register = template.Library()

MARKS = {
    "planning": "◦",
    "pending": "◦",
    "sending": "▸",
    "uploading": "▸",
    "preparing": "◦",
    "submitting": "▸",
    "under_way": "▸",
    "reading": "▸",
    "withdrawing": "▸",
    "claimed": "▸",
    "running": "▸",
    "paused": "∥",
    "stopped": "×",
    "cancelled": "×",
    "withdrawn": "×",
    "deleted": "×",
    "finished": "✓",
    "succeeded": "✓",
    "there": "✓",
    "completed": "✓",
    "expired": "!",
    "refused": "!",
    "lost": "?",
    "failed": "!",
    "frozen": "!",
    "unknown": "?",
}
"""A state is never told by its colour alone."""


class HasStatus(Protocol):
    """A job, an item or a call."""

    status: str

    def get_status_display(self) -> str: ...


@register.filter
def status_mark(row: HasStatus) -> SafeString:
    """The state of a row as a mark and a word; the colour comes from the style sheet."""
    return marked(row.status, row.get_status_display())


@register.filter
def marked(status: str, text: object) -> SafeString:
    """Any words with the mark and the colour of a state."""
    return format_html(
        '<span class="aiops-status aiops-{}"><span aria-hidden="true">{}</span> {}</span>', status, MARKS[status], text
    )


@register.filter
def money(nanos: int | None) -> str:
    """Nano-dollars with as many digits as matter; None is `unknown`."""
    return dollars(nanos)


@register.filter
def count(value: int | None) -> str:
    """A whole number with thousands; None is `unknown`."""
    return _("unknown") if value is None else number_format(value, decimal_pos=0, force_grouping=True)


@register.filter
def duration(milliseconds: float | None) -> str:
    """How long it took: `350 ms`, `1.2 s`, `2 min 5 s`, `1 h 5 min`; None is `unknown`."""
    if milliseconds is None:
        return _("unknown")
    if milliseconds < 1000:
        return _("%(n)s ms") % {"n": round(milliseconds)}
    if milliseconds < 9_950:
        return _("%(n)s s") % {"n": number_format(milliseconds / 1000, decimal_pos=1)}
    return seconds(milliseconds / 1000)


@register.filter
def seconds(value: float | None) -> str:
    """The same, of whole seconds."""
    if value is None:
        return _("unknown")
    whole = round(value)
    if whole < 60:
        return _("%(n)s s") % {"n": whole}
    if whole < 3600:
        return _("%(min)s min %(s)s s") % {"min": whole // 60, "s": whole % 60}
    return _("%(h)s h %(min)s min") % {"h": whole // 3600, "min": whole % 3600 // 60}


@register.filter
def rate(rows_a_second: float | None) -> str:
    """How quick it is: `9 rows/s`, or `12 rows/min` where seconds would say nothing."""
    if rows_a_second is None:
        return _("unknown")
    if rows_a_second >= 3:
        return _("%(n)s rows/s") % {"n": number_format(round(rows_a_second), force_grouping=True)}
    return _("%(n)s rows/min") % {"n": number_format(rows_a_second * 60, decimal_pos=0 if rows_a_second > 0.15 else 1)}


AGES = (
    (60, 1, gettext_lazy("%(n)s s ago")),
    (3600, 60, gettext_lazy("%(n)s min ago")),
    (86_400, 3600, gettext_lazy("%(n)s h ago")),
    (30 * 86_400, 86_400, gettext_lazy("%(n)s d ago")),
)
"""Seconds below which, seconds a unit, text."""


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """`3 min ago`, with the exact time on hover; after a month, the date."""
    if moment is None:
        return "–"
    past = (timezone.now() - moment).total_seconds()
    for limit, unit, text in AGES:
        if past < limit:
            shown = text % {"n": max(0, int(past // unit))}
            break
    else:
        shown = date_format(timezone.localtime(moment), "DATE_FORMAT")
    exact = date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, shown)


@register.filter
def plain(value: object) -> str:
    """A value of an answer for people: text as it is, nothing as a dash, the rest as JSON."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None)


@register.filter
def in_one_line(value: object) -> str:
    """An answer in one line, for a table: `category refund · priority high`."""
    if isinstance(value, dict):
        return " · ".join(f"{name} {plain_short(part)}" for name, part in value.items())
    return plain_short(value)


def plain_short(value: object) -> str:
    """A value without line breaks."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


@register.filter
def words(kind: str) -> str:
    """A kind of error, for people: `cut_off` is `cut off`."""
    return kind.replace("_", " ") if kind else _("without a reason")


@register.filter
def pairs(value: object) -> list[tuple[str, object]]:
    """Names and values of an object; empty for anything else. (`value.items` would find a property called "items".)"""
    return list(value.items()) if isinstance(value, dict) else []


class HasTokens(Protocol):
    """A call."""

    status: str

    @property
    def tokens_in(self) -> int | None: ...

    @property
    def tokens_out(self) -> int | None: ...


@register.filter
def in_and_out(call: HasTokens) -> str:
    """Tokens in and out; a dash while the call is not over."""
    if call.status == "sending":
        return "–"
    if call.tokens_in is None and call.tokens_out is None:
        return _("unknown")
    return f"{count(call.tokens_in)} / {count(call.tokens_out)}"

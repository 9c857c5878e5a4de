"""Whom a version asks instead, as it is written down: `[{"connection": …, "model": …, "on": […]}, …]`, in order."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

REASONS = {
    "transport": gettext_lazy("it cannot be reached, or fails"),
    "rate": gettext_lazy("it takes no more requests"),
    "context": gettext_lazy("the question is too long for it"),
    "filter": gettext_lazy("it declines, or filters"),
    "schema": gettext_lazy("its answer is not whole, or breaks the schema"),
}
"""Why the one before is not good enough → what people read."""

USUAL = ("transport", "rate")
"""What is meant where nobody says."""

MOST = 5
"""Each leaves the others less time."""

_LENGTHS = {"connection": 64, "model": 128}


def problems_of_fallbacks(fallbacks: Any) -> list[str]:
    """One sentence for each that is of another shape. Whether a connection exists is not known here."""
    if not isinstance(fallbacks, list | tuple):
        return [_("Fallbacks are a list, each with connection, model and on.")]
    if len(fallbacks) > MOST:
        return [_("A version has at most %(limit)d fallbacks.") % {"limit": MOST}]
    return [problem for n, one in enumerate(fallbacks, start=1) for problem in _problems_of(n, one)]


def _problems_of(n: int, one: Any) -> list[str]:
    if not isinstance(one, dict) or set(one) != {"connection", "model", "on"}:
        return [_('Fallback %(n)d is not of the form {"connection": …, "model": …, "on": […]}.') % {"n": n}]
    if not all(isinstance(one[name], str) and len(one[name]) <= most for name, most in _LENGTHS.items()):
        return [_("Fallback %(n)d: connection and model are texts of at most 64 and 128 characters.") % {"n": n}]
    if not one["connection"] and not one["model"]:
        return [_("Fallback %(n)d names neither a connection nor a model: name one, or remove it.") % {"n": n}]
    on = one["on"]
    if not isinstance(on, list) or not on or not all(isinstance(reason, str) for reason in on):
        return [_("Fallback %(n)d has no reason: choose some of %(known)s.") % {"n": n, "known": ", ".join(REASONS)}]
    if unknown := [reason for reason in on if reason not in REASONS]:
        return [
            _('Fallback %(n)d has the reason "%(reason)s": choose some of %(known)s.')
            % {"n": n, "reason": unknown[0], "known": ", ".join(REASONS)}
        ]
    return []

"""The banner that every page of ours carries while every call is stopped."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from aiops.options import InvalidOption
from aiops.stops.switch import stopped

register = template.Library()


@register.inclusion_tag("aiops/stops/banner.html", takes_context=True)
def stopped_banner(context: Context) -> dict[str, Any]:
    """Says who stopped every call and why; nothing while calls are made."""
    try:
        refusal = stopped()
    except InvalidOption as error:
        refusal = error  # type: ignore[assignment]
    return {"refusal": refusal, "perms": context.get("perms")}

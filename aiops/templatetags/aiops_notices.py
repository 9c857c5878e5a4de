"""The notices of jobs that are done or paused, for whoever started them."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from aiops.jobs.models import Notice

register = template.Library()

MOST = 5
"""Beyond them the list of jobs says it better."""


@register.inclusion_tag("aiops/jobs/notices.html", takes_context=True)
def job_notices(context: Context) -> dict[str, Any]:
    """What the person has not put away yet; nothing where there is nothing."""
    user = context["request"].user
    if not user.has_perm("aiops.view_job"):
        return {"notices": []}
    found = list(Notice.objects.unseen(user.pk).select_related("job__version__prompt")[: MOST + 1])
    return {
        "notices": found[:MOST],
        "more": len(found) > MOST,
        "newest": found[0].pk if found else 0,
        "csrf_token": context.get("csrf_token"),
    }

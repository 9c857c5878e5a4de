"""What jobs and calls add to the pages of prompts: where a version may be asked, what used it, and the way to a job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from aiops.calls.spend import Spend
from aiops.catalogue.choices import model_choices
from aiops.gateway.connections import usable_connections
from aiops.jobs.models import Job
from aiops.jobs.schedules.model import JobSchedule
from aiops.templatetags.aiops_format import count
from prompts import extensions
from prompts.models import Prompt, PromptVersion
from prompts.models.version import PRODUCTION

LATELY = 30
"""Days."""

MOST_SCHEDULES = 20
"""Schedules that are named."""


def connection_choices() -> list[tuple[str, str]]:
    """Alias, and who will see the data. Connections that make no sense are not offered; a check says why."""
    usable, _wrong = usable_connections()
    return [(one.alias, one.label) for one in usable.values()]


def with_jobs(path: str) -> Callable[[QuerySet[Any]], QuerySet[Any]]:
    """Annotates rows with the number of their jobs, one subquery for the whole page.

    Args:
        path: from a job to the row: `version` or `version__prompt`.
    """

    def annotate(rows: QuerySet[Any]) -> QuerySet[Any]:
        jobs = Job.objects.filter(**{path: OuterRef("pk")}).order_by().values(path).annotate(n=Count("pk")).values("n")
        counted: QuerySet[Any] = rows.annotate(job_count=Coalesce(Subquery(jobs, output_field=IntegerField()), 0))
        return counted

    return annotate


def used_by(request: HttpRequest, version: PromptVersion) -> dict[str, Any] | None:
    """Jobs and calls of a version, and what they came to: of all time, and of late; and the schedules that ask it."""
    if not (request.user.has_perm("aiops.view_job") and request.user.has_perm("aiops.view_call")):
        return None
    late = Q(day__gt=timezone.localdate(timezone=timezone.get_default_timezone()) - timedelta(days=LATELY))
    spend = Spend.objects.filter(by=Spend.By.VERSION, key=str(version.pk)).aggregate(
        all_calls=Coalesce(Sum("calls"), 0),
        all_cost=Coalesce(Sum("cost"), 0),
        unknown=Coalesce(Sum("unknown_costs"), 0),
        late_calls=Coalesce(Sum("calls", filter=late), 0),
        late_cost=Coalesce(Sum("cost", filter=late), 0),
    )
    jobs = Job.objects.filter(version=version).count()
    may_see = request.user.has_perm("aiops.run_job") or request.user.has_perm("aiops.view_jobschedule")
    schedules = list(JobSchedule.objects.that_ask(version)[:MOST_SCHEDULES]) if may_see else []
    return {"jobs": jobs, "spend": spend, "days": LATELY, "version_id": version.pk, "schedules": schedules}


def run_on_file(request: HttpRequest, row: Any) -> HttpResponseBase:
    """To the page that runs a prompt on a file, with this one chosen."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if isinstance(row, PromptVersion):
        chosen = {"prompt": row.prompt.name, "version": str(row.number)}
    else:
        chosen = {"prompt": row.name, "version": PRODUCTION}
    site = request.resolver_match.namespace if request.resolver_match else None
    try:
        page = reverse("admin:aiops_job_run_file", current_app=site)
    except NoReverseMatch:
        raise Http404(_("This site has no page of jobs.")) from None
    return HttpResponseRedirect(f"{page}?{urlencode(chosen)}")


def extend() -> None:
    """Register all of it; doing it again changes nothing."""
    extensions.withdraw_connections(connection_choices)
    extensions.offer_connections(connection_choices)
    extensions.withdraw_models(model_choices)
    extensions.offer_models(model_choices)
    both = ("aiops.run_job", "aiops.view_job")
    tool = extensions.Address("run-file", run_on_file, tool=_("Run on a file"), permissions=both)
    for model, path in ((Prompt, "version__prompt"), (PromptVersion, "version")):
        jobs = extensions.Column("jobs", _("jobs"), lambda row: count(row.job_count), annotate=with_jobs(path))
        extensions.extend(model, jobs)
        extensions.extend(model, tool)
    extensions.extend(PromptVersion, extensions.Panel("jobs", _("Used by"), "aiops/jobs/used_by.html", used_by))

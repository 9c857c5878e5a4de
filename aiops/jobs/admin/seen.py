"""Putting away the notices of one's own jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from aiops.jobs.models import Job, Notice
from prompts.numbers import number_in

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin


def seen_view(model_admin: ReadOnlyAdmin[Job]) -> Callable[[HttpRequest], HttpResponse]:
    """The view; only by a press of the button."""

    def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        # What came after the page was shown has not been seen.
        newest = number_in(request.POST.get("newest", "")) or 0
        Notice.objects.unseen(request.user.pk).filter(pk__lte=newest).update(told_at=timezone.now())
        url = reverse("admin:aiops_job_changelist", current_app=model_admin.admin_site.name)
        return HttpResponseRedirect(url)

    return view

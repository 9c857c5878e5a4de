"""The page of stops: one button to stop every call, one to let them go on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.lists import ReadOnlyAdmin
from aiops.options import options
from aiops.stops.errors import NotStopped
from aiops.stops.models import Stop
from aiops.stops.switch import MOST_WORDS, go_on, stop_all, stopped
from aiops.templatetags.aiops_format import ago, marked

PERMISSION = "aiops.stop_calls"


class StopForm(forms.Form):
    """Why every call is to be stopped."""

    because = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=MOST_WORDS,
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
        help_text=gettext_lazy("Whoever is refused a call reads it."),
    )


@admin.register(Stop)
class StopAdmin(ReadOnlyAdmin[Stop]):
    """Stops, newest first."""

    page_template = "aiops/stops/stop.html"
    change_list_template = "admin/aiops/stop/change_list.html"
    list_display = ("state", "because", "by", "since_when", "until_when", "ended_by")
    list_display_links = ("state", "because")
    list_select_related = ("by", "ended_by")
    ordering = ("-id",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may press the button sees what came of it."""
        return super().has_view_permission(request, obj) or request.user.has_perm(PERMISSION)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or request.user.has_perm(PERMISSION)

    def get_urls(self) -> list[URLPattern]:
        """Adds what the buttons lead to."""
        wrap = self.admin_site.admin_view
        return [
            path("stop/", wrap(self.stop_view), name="aiops_stop_stop"),
            path("go-on/", wrap(self.go_on_view), name="aiops_stop_go_on"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the button that makes sense now."""
        context = {
            "may_stop": request.user.has_perm(PERMISSION),
            "is_stopped": stopped() is not None,
            "by_settings": bool(options().stopped),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def stop_view(self, request: HttpRequest) -> HttpResponse:
        """Asks why, and stops every call."""
        self._require(request)
        form = StopForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            made = stop_all(request.user, form.cleaned_data["because"])
            if made.by_id == request.user.pk and made.because == " ".join(form.cleaned_data["because"].split()):
                messages.success(request, _("Every call is stopped: nothing is asked of any provider from now on."))
            else:
                messages.warning(request, _("Every call was stopped already, by somebody who was quicker."))
            return self._back()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Stop every call"),
            # What the last of the breadcrumbs says.
            "original": _("Stop every call"),
            "media": self.media,
            "has_view_permission": True,
            "form": form,
            "back_url": self._list_url(),
        }
        return TemplateResponse(request, "aiops/stops/confirm.html", context)

    def go_on_view(self, request: HttpRequest) -> HttpResponse:
        """Lets calls be made again; only by a press of the button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._require(request)
        try:
            go_on(request.user)
            messages.success(request, _("Calls go on. Jobs that were paused go on once somebody resumes them."))
        except NotStopped as error:
            messages.error(request, str(error))
        return self._back()

    def _require(self, request: HttpRequest) -> None:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied

    def _list_url(self) -> str:
        return reverse("admin:aiops_stop_changelist", current_app=self.admin_site.name)

    def _back(self) -> HttpResponseRedirect:
        return HttpResponseRedirect(self._list_url())

    @admin.display(description=gettext_lazy("state"))
    def state(self, stop: Stop) -> SafeString:
        return marked("stopped", _("in force")) if stop.until is None else marked("finished", _("over"))

    @admin.display(description=gettext_lazy("from"))
    def since_when(self, stop: Stop) -> str:
        return ago(stop.since)

    @admin.display(description=gettext_lazy("until"))
    def until_when(self, stop: Stop) -> str:
        return ago(stop.until) if stop.until else "–"

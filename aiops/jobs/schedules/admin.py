"""The pages of schedules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.jobs.again import bounds_of
from aiops.jobs.models import Job
from aiops.jobs.schedules.errors import BadTime
from aiops.jobs.schedules.form import FIELDS, JobScheduleForm, initial_of
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.money import to_dollars
from aiops.lists import ModelAdmin
from aiops.templatetags.aiops_format import ago, marked
from prompts.numbers import number_in

MARKS = {
    JobSchedule.Outcome.STARTED: "running",
    JobSchedule.Outcome.NOTHING: "finished",
    JobSchedule.Outcome.SKIPPED: "stopped",
    JobSchedule.Outcome.WAITING: "pending",
    JobSchedule.Outcome.REFUSED: "failed",
}
SHORT = 80
"""Characters of what was said, in the list."""

TIMING = {"cron", "every", "time_zone", "active"}


@admin.register(JobSchedule)
class JobScheduleAdmin(ModelAdmin[JobSchedule]):
    """Schedules: who may run jobs writes their own; they run with that person's permissions."""

    form = JobScheduleForm
    change_list_template = "admin/aiops/jobschedule/change_list.html"
    change_form_template = "admin/aiops/jobschedule/change_form.html"
    list_display = ("name", "last_shown", "upcoming", "timing", "what", "owner")
    list_filter = ("active", "outcome")
    search_fields = ("name",)
    sortable_by = ("name",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # A shop may have a hundred thousand users.
    raw_id_fields = ("owner",)
    readonly_fields = ("next_runs", "last_run")
    fieldsets = (
        (None, {"fields": ("name", "active", "owner")}),
        (gettext_lazy("What"), {"fields": ("prompt", "version", "connection", "model")}),
        (
            gettext_lazy("Over which rows"),
            {"fields": ("row_model", "list_query", "filters", "only", "empty", "most_rows")},
        ),
        (
            gettext_lazy("When"),
            {"fields": ("cron", "every", "time_zone", "overlap", "priority", "next_runs", "last_run")},
        ),
        (gettext_lazy("When a run stops by itself"), {"fields": ("most_dollars", "most_failures")}),
        (gettext_lazy("Who is told"), {"fields": ("tell", "tell_of")}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("aiops/aiops.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobSchedule]:
        return super().get_queryset(request).select_related("prompt", "owner")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_add_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm("aiops.run_job")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One's own: somebody else's would run with what that person may do."""
        theirs = obj is None or request.user.is_superuser or obj.owner_id == request.user.pk
        return self.has_add_permission(request) and theirs

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose it is, only a superuser chooses; what is not known yet is not shown."""
        hidden = set() if request.user.is_superuser else {"owner"}
        if obj is None:
            hidden |= {"next_runs", "last_run"}
        shown = [
            (title, {**parts, "fields": tuple(name for name in parts["fields"] if name not in hidden)})
            for title, parts in self.fieldsets
        ]
        if obj is None or self.has_change_permission(request, obj):
            return shown
        # To look at it whole, whoever's it is.
        return [(title, {**parts, "fields": _for_eyes(parts["fields"])}) for title, parts in self.fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return (*FIELDS, "most_cost", "next_runs", "last_run")
        return self.readonly_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Filled in by a job that is to be run again and again, for those who may see it."""
        number = number_in(request.GET.get("job", ""))
        mine: dict[str, Any] = {"owner": request.user.pk}
        if number is None or not request.user.has_perm("aiops.view_job"):
            return {**super().get_changeform_initial_data(request), **mine}
        job = Job.objects.select_related("version__prompt").filter(pk=number).first()
        if job is None:
            return mine
        most_cost = bounds_of(job)["most_cost"]
        return {**initial_of(job), "most_dollars": most_cost and to_dollars(most_cost), **mine}

    def save_model(self, request: HttpRequest, obj: JobSchedule, form: Any, change: bool) -> None:
        """Save what the page shows and nothing else: a run may be on its way."""
        if change:
            obj.save(update_fields=[*FIELDS, "most_cost"])
        else:
            obj.save()
        if not change or TIMING & set(form.changed_data):
            obj.plan(timezone.now())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With the way to the jobs that it started."""
        row = kwargs.get("obj")
        if row is not None and row.pk and request.user.has_perm("aiops.view_job"):
            jobs = reverse("admin:aiops_job_changelist", current_app=self.admin_site.name)
            context["jobs_url"] = f"{jobs}?schedule={row.pk}"
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("what"))
    def what(self, schedule: JobSchedule) -> SafeString:
        """Which prompt, over rows of which model."""
        version = f"{schedule.prompt.name}@{schedule.version}"
        return format_html('{}<div class="aiops-quiet">{}</div>', version, schedule.row_model)

    @admin.display(description=gettext_lazy("when"))
    def timing(self, schedule: JobSchedule) -> SafeString | str:
        if not schedule.active:
            return marked("stopped", _("switched off"))
        if schedule.cron:
            return format_html("<code>{}</code> {}", schedule.cron, schedule.time_zone)
        return _("every %(n)s minutes") % {"n": schedule.every}

    @admin.display(description=gettext_lazy("next run"))
    def upcoming(self, schedule: JobSchedule) -> str:
        return _told(schedule.next_at, schedule) if schedule.active and schedule.next_at else "–"

    @admin.display(description=gettext_lazy("last run"))
    def last_run(self, schedule: JobSchedule) -> SafeString | str:
        """What came of it, in words."""
        return self._last(schedule, schedule.outcome_text)

    def _last(self, schedule: JobSchedule, text: str) -> SafeString | str:
        if not schedule.outcome:
            return _("none yet")
        mark = marked(MARKS[JobSchedule.Outcome(schedule.outcome)], schedule.get_outcome_display())
        when = ago(schedule.last_at) if schedule.last_at else ""
        return format_html('{} {}<div class="aiops-quiet">{}</div>', mark, when, text)

    @admin.display(description=gettext_lazy("last run"))
    def last_shown(self, schedule: JobSchedule) -> SafeString | str:
        """The same, cut to a line or two."""
        return self._last(schedule, truncatechars(schedule.outcome_text, SHORT))

    @admin.display(description=gettext_lazy("next runs"))
    def next_runs(self, schedule: JobSchedule) -> SafeString | str:
        """Five of them, in its own time zone."""
        if not schedule.active:
            return _("none: it is switched off")
        try:
            times = schedule.next_runs(timezone.now())
        except BadTime as error:
            return str(error)
        rows = format_html_join("", "<li>{}</li>", ((_told(at, schedule),) for at in times))
        return format_html('<ol class="aiops-quote">{}</ol>', rows)


def _told(at: Any, schedule: JobSchedule) -> str:
    """A time on the clock of its own zone, with its name: on some nights that is what tells two apart."""
    try:
        local = at.astimezone(schedule.zone)
    except BadTime:
        local = timezone.localtime(at)
    return f"{date_format(local, 'D')} {date_format(local, 'SHORT_DATETIME_FORMAT')} {local.tzname()}"


def _for_eyes(names: Any) -> tuple[str, ...]:
    return tuple("most_cost" if name == "most_dollars" else name for name in names)

"""A schedule as people write it: money in dollars, choices where there are any."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.catalogue.choices import model_choices
from aiops.gateway.connections import usable_connections
from aiops.jobs.models import Job
from aiops.jobs.quoted_page.forms import PromptField
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.admin import DollarsField
from aiops.ledger.money import to_dollars, to_nanos
from aiops.resources import registered_models
from prompts.admin.fields import TextWithChoices
from prompts.models import Prompt
from prompts.models.version import PRODUCTION

FIELDS = (
    *("name", "prompt", "version", "connection", "model", "row_model", "list_query", "filters", "only", "empty"),
    *("most_rows", "cron", "every", "time_zone", "active", "overlap", "most_failures", "priority", "owner"),
    *("tell", "tell_of"),
)


class JobScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A schedule of whoever writes it; only a superuser may make it somebody else's."""

    prompt = PromptField(Prompt.objects.none(), label=gettext_lazy("Prompt"))
    connection = forms.ChoiceField(label=gettext_lazy("Connection"), required=False)
    row_model = forms.ChoiceField(label=gettext_lazy("Rows of"))
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    most_dollars = DollarsField(
        label=gettext_lazy("Most cost of a run, dollars"),
        required=False,
        min_value=Decimal("0.000001"),
        max_value=Decimal(1_000_000_000),
        decimal_places=6,
        max_digits=16,
        help_text=gettext_lazy("Then it is paused. Empty: as much as the budgets have."),
    )

    class Meta:
        model = JobSchedule
        fields = FIELDS
        widgets = {
            "list_query": forms.TextInput(attrs={"class": "vTextField"}),
            "filters": forms.Textarea(attrs={"rows": 3}),
            "tell": forms.Textarea(attrs={"rows": 2}),
        }

    user: Any = None
    """Who writes it; set by the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        # A person who may only look at it is shown no form.
        if "prompt" not in fields:
            return
        fields["prompt"].queryset = (
            Prompt.objects.filter(versions__isnull=False).distinct().order_by("title").with_labels()
        )
        # Whoever says nothing means what is there, or the usual one.
        fields["priority"].required = False
        usable, _wrong = usable_connections()
        fields["connection"].choices = [("", _("the version's own")), *((a.alias, a.label) for a in usable.values())]
        fields["row_model"].choices = [
            (model._meta.label, f"{model._meta.verbose_name_plural} ({model._meta.label})")
            for model in registered_models()
        ]
        fields["time_zone"].choices = [
            ("", _("that of the site")),
            *((name, name) for name in sorted(available_timezones())),
        ]
        attrs = {"autocomplete": "off", "autocapitalize": "off", "class": "vTextField"}
        fields["model"].widget = TextWithChoices(partial(model_choices, self.user), attrs=attrs)
        if self.instance.most_cost:
            self.initial.setdefault("most_dollars", to_dollars(self.instance.most_cost))
        if not self.instance.pk:
            self.instance.owner = self.user

    def clean(self) -> dict[str, Any]:
        """What is written in dollars is kept in nano-dollars."""
        super().clean()
        dollars: Decimal | None = self.cleaned_data.get("most_dollars")
        self.instance.most_cost = None if dollars is None else to_nanos(dollars)
        return self.cleaned_data

    def _update_errors(self, errors: ValidationError) -> None:
        """What the model says of a field that is not on this page is said of the whole."""
        if hasattr(errors, "error_dict"):
            known = {name: found for name, found in errors.error_dict.items() if name in self.fields}
            others = [one for name, found in errors.error_dict.items() if name not in self.fields for one in found]
            errors = ValidationError({**known, **({NON_FIELD_ERRORS: others} if others else {})})
        super()._update_errors(errors)  # type: ignore[misc]


def initial_of(job: Job) -> dict[str, Any]:
    """A new schedule that does what a job did, over whatever rows are chosen so by then."""
    labels = {label.name for label in job.version.labels.all()}
    source: dict[str, Any] = job.source
    label = PRODUCTION if PRODUCTION in labels else min(labels, default=str(job.version.number))
    return {
        "name": job.version.prompt.title,
        "prompt": job.version.prompt_id,
        "version": label,
        "connection": job.connection,
        "model": job.model,
        "row_model": source.get("model", ""),
        "list_query": source.get("list") or "",
        "filters": "\n".join(source.get("filters") or ()),
        "only": JobSchedule.Only.EMPTY if source.get("empty") else JobSchedule.Only.CHANGED,
        "empty": source.get("empty") or "",
        "most_rows": source.get("limit"),
        "most_failures": job.most_failures,
        "priority": job.priority,
        "cron": "30 2 * * *",
    }

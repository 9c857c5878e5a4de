"""What is chosen on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aiops.jobs.again import Which, bounds_of, choices_for
from aiops.jobs.models import Job, Priority
from aiops.jobs.quoted_page.forms import VersionForm
from aiops.ledger.money import to_dollars


class AgainForm(VersionForm):
    """The same, over which rows of an earlier job."""

    which = forms.ChoiceField(label=_("Rows"))

    field_order = ("which", "prompt", "version", "connection", "model")

    def __init__(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Offer what there is to choose of a job."""
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["which"].choices = [(which.value, which.label) for which in choices_for(job)]

    @property
    def which_rows(self) -> Which:
        """Those that are meant, once the form is valid."""
        return Which(self.cleaned_data["which"])

    def pinned(self) -> dict[str, str]:
        return super().pinned() | {"which": self.cleaned_data["which"]}


def settings_of(job: Job) -> dict[str, Any]:
    """What an earlier job was started with, as a form begins with it."""
    bounds = bounds_of(job)
    most_cost = bounds.pop("most_cost")
    return {
        "prompt": job.version.prompt.name,
        "version": str(job.version.number),
        "connection": job.connection,
        "model": job.model,
        "most_cost": None if most_cost is None else to_dollars(most_cost),
        "priority": "" if job.priority == Priority.NORMAL else job.priority,
        **bounds,
    }

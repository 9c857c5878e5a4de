"""What every way to start a job asks, and how a quote is confirmed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from aiops.catalogue.choices import model_choices
from aiops.gateway.connections import usable_connections
from aiops.jobs.models import Job, Priority
from aiops.ledger.money import to_nanos
from prompts.admin.fields import TextWithChoices
from prompts.errors import PromptError
from prompts.lookup import find_version
from prompts.models import Prompt, PromptVersion
from prompts.models.version import PRODUCTION

BOUNDS = ("most_failures", "most_failed_percent", "try_first")
"""Fields that say where a job pauses; `start_job` takes them by the same names."""

STOPS = ("try_first", "most_cost", "most_failures", "most_failed_percent")
"""With the most that it may cost, in the order in which they are asked."""

SELDOM = ("priority", *STOPS)
"""What most leave as it is."""


class PromptField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A prompt, shown with where its labels point."""

    def label_from_instance(self, obj: Any) -> str:
        """`Triage a ticket (production → 7, staging → 9)`."""
        labels = ", ".join(f"{label.name} → {label.version.number}" for label in obj.labels.all())
        return f"{obj.title} ({labels or gettext('no label yet')})"


class VersionForm(forms.Form):
    """Which version, asked where: what every way to start a job has to know."""

    prompt = PromptField(Prompt.objects.none(), to_field_name="name", label=_("Prompt"))
    version = forms.CharField(
        label=_("Version"),
        initial=PRODUCTION,
        max_length=64,
        help_text=_("A label, such as production or staging, or the number of a version."),
        widget=forms.TextInput(attrs={"list": "run-prompt-labels", "autocomplete": "off", "autocapitalize": "off"}),
    )
    connection = forms.ChoiceField(label=_("Connection"), required=False)
    model = forms.CharField(
        label=_("Model"),
        required=False,
        max_length=128,
        help_text=_("Empty: the version's own, or else the connection's."),
    )

    transport = forms.ChoiceField(
        label=_("Asked"),
        required=False,
        choices=Job.Transport.choices,
        initial=Job.Transport.LIVE,
        help_text=_("In batches it costs half at most providers, and is answered within a day."),
    )
    live_from = forms.DateTimeField(
        label=_("One by one from"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In batches: what is not answered by then is asked one by one, at once. Empty: never."),
    )

    most_cost = forms.DecimalField(
        label=_("Stop at, dollars"),
        required=False,
        min_value=Decimal("0.000001"),
        max_value=Decimal(1_000_000_000),
        decimal_places=6,
        max_digits=16,
        help_text=_("The most that the job may cost. Empty: as much as the budgets have."),
    )

    most_failures = forms.IntegerField(
        label=_("Pause after, failed rows"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text=_("So many, one after the other. Empty: it goes on whatever fails."),
    )

    most_failed_percent = forms.IntegerField(
        label=_("Pause above, percent"),
        required=False,
        min_value=1,
        max_value=99,
        help_text=_("Of the rows that fail, once 20 are done. Empty: it goes on whatever fails."),
    )

    priority = forms.TypedChoiceField(
        label=_("Priority"),
        required=False,
        choices=[(Priority.HIGH, Priority.HIGH.label), ("", Priority.NORMAL.label), (Priority.LOW, Priority.LOW.label)],
        coerce=int,
        help_text=_("Where jobs wait for a worker, the more urgent ones go first, and the others wait for them."),
    )

    try_first = forms.IntegerField(
        label=_("Try first, rows"),
        required=False,
        min_value=1,
        max_value=1_000,
        help_text=_(
            "So many from all over the selection, 20 say: then the job is paused, and says what the rest would cost."
        ),
    )

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        """Offer what there is to choose.

        Args:
            user: who chooses; None offers no models.
        """
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        usable = Prompt.objects.filter(versions__isnull=False).distinct()
        fields["prompt"].queryset = usable.order_by("title").with_labels()
        self.prompts: QuerySet[Prompt] = fields["prompt"].queryset
        """Those that have a version."""
        offered, self.wrong_connections = usable_connections()
        fields["connection"].choices = [
            ("", _("the version's own")),
            *((one.alias, one.label) for one in offered.values()),
        ]
        if not any(one.supports_batch for one in offered.values()):
            del fields["transport"], fields["live_from"]
        if user is not None:
            attrs = {"autocomplete": "off", "autocapitalize": "off"}
            fields["model"].widget = TextWithChoices(partial(model_choices, user), attrs=attrs)

    @property
    def chosen_fields(self) -> list[forms.BoundField]:
        """What is asked of everybody."""
        return [field for field in self.visible_fields() if field.name not in SELDOM]

    @property
    def bound_fields(self) -> list[forms.BoundField]:
        """How urgent the job is, and when it stops by itself: most leave them empty."""
        return [self[name] for name in SELDOM]

    @property
    def is_bounded(self) -> bool:
        """Whether something is said in one of these, right or wrong."""
        return any(self[name].value() or self[name].errors for name in SELDOM)

    @property
    def label_names(self) -> list[str]:
        """The labels that there are, each once."""
        return sorted({label.name for prompt in self.prompts for label in prompt.labels.all()})

    def clean(self) -> dict[str, Any]:
        """Find the version that is meant."""
        chosen = super().clean() or {}
        if chosen.get("prompt") and chosen.get("version"):
            try:
                chosen["found"] = find_version(f"{chosen['prompt'].name}@{chosen['version'].strip()}")
            except PromptError as error:
                self.add_error("version", str(error))
        live_from = chosen.get("live_from")
        if live_from is not None and chosen.get("transport") != Job.Transport.BATCH:
            self.add_error(
                "live_from", gettext("Rows that are asked one by one from the start need no time: leave it empty.")
            )
        elif live_from is not None and live_from <= timezone.now():
            self.add_error("live_from", gettext("This time is over: give a later one."))
        return chosen

    @property
    def is_batch(self) -> bool:
        """Whether the rows are asked in batches."""
        return bool(self.cleaned_data.get("transport") == Job.Transport.BATCH)

    @property
    def live_moment(self) -> datetime | None:
        """When what the batches have not answered is asked one by one."""
        moment: datetime | None = self.cleaned_data.get("live_from")
        return moment

    @property
    def found(self) -> PromptVersion:
        """The version that is meant, once the form is valid."""
        found: PromptVersion = self.cleaned_data["found"]
        return found

    @property
    def alias(self) -> str:
        """Alias of the connection that was chosen; empty leaves it to the version."""
        alias: str = self.cleaned_data["connection"]
        return alias

    @property
    def model_name(self) -> str:
        """The model that was chosen; empty leaves it to the version, or else the connection."""
        name: str = self.cleaned_data["model"]
        return name

    @property
    def most_nanos(self) -> int | None:
        """What the job may cost, nano-dollars; None leaves it to the budgets."""
        dollars: Decimal | None = self.cleaned_data["most_cost"]
        return None if dollars is None else to_nanos(dollars)

    @property
    def bounds(self) -> dict[str, Any]:
        """Where the job is to be paused."""
        return {name: self.cleaned_data[name] for name in BOUNDS if self.cleaned_data[name] is not None}

    @property
    def urgency(self) -> int:
        """How urgent the job is: one of `Priority`."""
        return int(self.cleaned_data["priority"] or Priority.NORMAL)

    def pinned(self) -> dict[str, str]:
        """What was chosen, for the next step's hidden fields: a label may move, the version that was quoted stays."""
        pinned = {"prompt": self.found.prompt.name, "version": str(self.found.number), "connection": self.alias}
        pinned["model"] = self.model_name
        if self.is_batch:
            pinned["transport"] = Job.Transport.BATCH.value
        if self.live_moment is not None:
            pinned["live_from"] = self.live_moment.isoformat()
        pinned |= {name: str(self.cleaned_data[name] or "") for name in ("most_cost", *BOUNDS)}
        pinned["priority"] = "" if self.urgency == Priority.NORMAL else str(self.urgency)
        return {name: value for name, value in pinned.items() if value}


class ConfirmForm(forms.Form):
    """What a press on “Run” says beside the choices."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    rows = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    fingerprint = forms.CharField(widget=forms.HiddenInput, max_length=128)

    @classmethod
    def for_rows(cls, rows: int, fingerprint: str) -> ConfirmForm:
        """A form not pressed yet, for a quote of so many rows, and of these."""
        return cls(initial={"token": uuid4(), "rows": rows, "fingerprint": fingerprint})


def changed_rows(quoted: int, now: int) -> str:
    """The sentence for rows that came or went between quote and confirmation, or both."""
    if quoted == now:
        return gettext("These are other rows than those that were quoted: nothing was started, here is a new quote.")
    return ngettext(
        "The selection is %(now)s row now, the quote was for %(quoted)s: nothing was started, here is a new quote.",
        "The selection is %(now)s rows now, the quote was for %(quoted)s: nothing was started, here is a new quote.",
        now,
    ) % {"now": f"{now:,}", "quoted": f"{quoted:,}"}

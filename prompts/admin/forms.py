"""The forms in which versions are written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prompts.admin.fallbacks import FallbacksField
from prompts.admin.fields import JSONText, MessagesField, TextWithChoices, code_area
from prompts.content import problems_of_limit, problems_of_parameters
from prompts.errors import Unchanged, choices
from prompts.extensions import connection_choices, model_choices
from prompts.models import OutputSchema, Prompt, PromptVersion, SchemaVersion
from prompts.schemas import problems_of_schema

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


FIRST_SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "description": "Why, in one sentence."}},
    "required": ["reason"],
    "additionalProperties": False,
}
"""What the first version of a schema starts from: a sound one, so that only names are left to write."""


class NextVersionForm(ModelForm):
    """A form that starts from a version and makes the next one."""

    parent_field: str

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    """Number of the latest version when the form was opened: of two people writing at once, the second is told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.initial.get(self.parent_field) or self.data.get(self.add_prefix("seen")):
            # Chosen by the page it was opened from.
            self.fields[self.parent_field].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any] | None:
        """Raises: ValidationError: somebody else was quicker, or nothing was changed."""
        cleaned = super().clean()
        parent = self.cleaned_data.get(self.parent_field)
        if parent is None or self.errors:
            return cleaned
        latest = parent.versions.order_by("-number").first()
        seen = self.cleaned_data.get("seen")
        if latest is not None and seen is not None and latest.number > seen:
            # Sent back with the new number: who saves again has been told.
            self.data = {**dict(self.data.items()), self.add_prefix("seen"): str(latest.number)}
            raise forms.ValidationError(
                _("%(version)s was added meanwhile: look at it, then save again to add yours after it."),
                params={"version": latest},
            )
        if latest is not None and latest.content_hash == self.content_hash():
            raise forms.ValidationError(str(Unchanged(latest)))
        return cleaned

    def content_hash(self) -> str:
        """Of what is written in the form."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        version = self._meta.model(number=0, **given)
        version.seal()
        return str(version.content_hash)


class PromptVersionForm(NextVersionForm):
    """The next wording of a prompt."""

    parent_field = "prompt"
    user: Any = None
    """Who writes; None offers no models."""

    prompt = forms.ModelChoiceField(Prompt.objects.all(), label=gettext_lazy("Prompt"))
    messages = MessagesField(
        label=gettext_lazy("Messages"),
        help_text=gettext_lazy(
            "{{ name }} puts a variable in. Pairs of user and assistant before the last message are examples."
        ),
    )
    parameters = JSONText(
        label=gettext_lazy("Parameters"),
        required=False,
        initial=dict,
        widget=code_area(4),
        help_text=PromptVersion._meta.get_field("parameters").help_text,
    )
    schema = forms.ModelChoiceField(
        SchemaVersion.objects.select_related("schema").defer("body").order_by("schema__name", "-number"),
        label=gettext_lazy("Schema"),
        required=False,
        empty_label=gettext_lazy("none: free text"),
        help_text=PromptVersion._meta.get_field("schema").help_text,
    )

    fallbacks = FallbacksField(
        label=gettext_lazy("Fallbacks"),
        required=False,
        initial=list,
        help_text=PromptVersion._meta.get_field("fallbacks").help_text,
    )

    class Meta:
        model = PromptVersion
        fields = [
            "prompt",
            "messages",
            "schema",
            "connection",
            "model",
            "output_limit",
            "parameters",
            "fallbacks",
            "note",
        ]
        widgets = {"note": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = connection_choices()
        # A page that is only for reading has no field of it.
        if offered and "connection" in self.fields:
            self.fields["connection"].widget = forms.Select(choices=self.connections(offered))
        if self.user is not None and "model" in self.fields:
            models = partial(model_choices, self.user)
            self.fields["model"].widget = TextWithChoices(models, attrs={"class": "vTextField", "maxlength": 128})
        if "fallbacks" in self.fields:
            self.fields["fallbacks"].widget.offered = offered

    def connections(self, offered: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """What is offered, a blank for the default, and what the version had even if it is gone."""
        had = self.initial.get("connection", "")
        gone = (
            [] if had in {"", *(alias for alias, _text in offered)} else [(had, _("%(alias)s (gone)") % {"alias": had})]
        )
        return [("", _("default")), *offered, *gone]

    def clean_connection(self) -> str:
        """Raises: ValidationError: no such connection."""
        alias: str = self.cleaned_data["connection"]
        require_offered(alias)
        return alias

    def clean_fallbacks(self) -> Any:
        """Raises: ValidationError: no such connection."""
        fallbacks = self.cleaned_data["fallbacks"]
        for fallback in fallbacks:
            require_offered(fallback["connection"])
        return fallbacks

    def clean_parameters(self) -> Any:
        """Raises: ValidationError: with one sentence for each problem."""
        parameters = self.cleaned_data["parameters"]
        if problems := problems_of_parameters(parameters):
            raise forms.ValidationError(problems)
        return parameters

    def clean_output_limit(self) -> Any:
        """Raises: ValidationError: no sensible number."""
        limit = self.cleaned_data["output_limit"]
        if problems := problems_of_limit(limit):
            raise forms.ValidationError(problems)
        return limit


def require_offered(alias: str) -> None:
    """See that a version may name a connection; a blank is always fine.

    Raises:
        ValidationError: no such connection.
    """
    offered = [name for name, _text in connection_choices()]
    if alias and offered and alias not in offered:
        raise forms.ValidationError(
            _('There is no connection "%(alias)s": choose one of %(known)s.'),
            params={"alias": alias, "known": choices(offered)},
        )


class SchemaVersionForm(NextVersionForm):
    """The next version of a schema."""

    parent_field = "schema"

    schema = forms.ModelChoiceField(OutputSchema.objects.all(), label=gettext_lazy("Schema"))
    body = JSONText(
        label=gettext_lazy("JSON Schema"),
        widget=code_area(28),
        initial=FIRST_SCHEMA,
        help_text=gettext_lazy(
            "Draft 2020-12, strict: an object whose properties are all required, with additionalProperties: false. "
            "A model answers in the order of the properties: put a reason before what follows from it."
        ),
    )

    class Meta:
        model = SchemaVersion
        fields = ["schema", "body", "note"]
        widgets = {"note": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 2})}

    def clean_body(self) -> Any:
        """Raises: ValidationError: with one sentence for each problem."""
        body = self.cleaned_data["body"]
        if problems := problems_of_schema(body):
            raise forms.ValidationError([str(problem) for problem in problems])
        return body

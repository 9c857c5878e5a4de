"""Form fields: messages as rows of role and text, JSON as text that keeps what was typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from prompts import strict_json
from prompts.content import MESSAGES, ROLES, problems_of_messages

EMPTY_ROWS = 2
"""Rows to fill in without JavaScript; blank ones are left out."""


class MessagesWidget(forms.Widget):
    """One row a message: role, text, and, without JavaScript, its place and a box to remove it."""

    template_name = "prompts/admin/messages.html"

    class Media:
        css = {"all": ["prompts/prompts.css"]}
        js = [forms.Script("prompts/messages.js", type="module")]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The rows, with empty ones at the end."""
        context = super().get_context(name, value, attrs)
        messages = value if isinstance(value, list) else []
        empty = [{"role": "user", "content": ""}] * (EMPTY_ROWS if messages else EMPTY_ROWS + 1)
        context["widget"] |= {
            "rows": [{**message, "place": n} for n, message in enumerate([*messages, *empty], start=1)],
            "written": len(messages),
            "roles": ROLES,
            "invalid": bool((attrs or {}).get("aria-invalid")),
        }
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, str]]:
        """The rows that hold something and are not to be removed, by their places."""
        try:
            total = min(int(data.get(f"{name}-total", 0)), 2 * MESSAGES)
        except ValueError:
            total = 0
        rows = []
        for n in range(1, total + 1):
            content = str(data.get(f"{name}-{n}-content", ""))
            if content.strip() and not data.get(f"{name}-{n}-remove"):
                # Browsers send other line ends than were read: the same text must stay the same content.
                text = content.replace("\r\n", "\n").replace("\r", "\n")
                rows.append((_place(data.get(f"{name}-{n}-place"), n), n, str(data.get(f"{name}-{n}-role", "")), text))
        return [{"role": role, "content": text} for _p, _n, role, text in sorted(rows)]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-total" not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}-1-content" if id_ else id_


def _place(text: Any, default: int) -> float:
    try:
        place = float(text)
    except (TypeError, ValueError):
        return default
    return place if place == place else default


class MessagesField(forms.Field):
    """A list of messages, each template checked."""

    widget = MessagesWidget
    default_error_messages = {"required": _("Write at least one message.")}

    def clean(self, value: Any) -> Any:
        """Raises: ValidationError: with one sentence for each problem."""
        messages = super().clean(value)
        if problems := problems_of_messages(messages):
            raise forms.ValidationError(problems)
        return messages


class JSONText(forms.CharField):
    """A JSON object, typed as text; the order of keys is kept, and so is what was typed where it is wrong."""

    widget = forms.Textarea
    default_error_messages = {
        "invalid": _("This is not JSON: %(error)s."),
        "deep": _("This JSON is nested too deeply."),
    }

    def to_python(self, value: Any) -> Any:
        """Raises: ValidationError: it is no JSON."""
        if not isinstance(value, str):
            return value
        if not value.strip():
            return {}
        try:
            return strict_json.loads(value)
        except RecursionError as error:
            raise forms.ValidationError(self.error_messages["deep"], code="deep") from error
        except ValueError as error:
            raise forms.ValidationError(
                self.error_messages["invalid"], code="invalid", params={"error": error}
            ) from error

    def run_validators(self, value: Any) -> None:
        """Those of texts do not fit; the form checks the content."""

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except forms.ValidationError:
            return True


def code_area(rows: int) -> forms.Textarea:
    """A textarea for code."""
    return forms.Textarea(attrs={"class": "vLargeTextField prompts-code", "rows": rows, "spellcheck": "false"})


class TextWithChoices(forms.TextInput):
    """A text that may be chosen from a list, or typed."""

    template_name = "prompts/admin/text_with_choices.html"

    def __init__(self, choices: Callable[[], Sequence[tuple[str, Any]]], attrs: dict[str, Any] | None = None) -> None:
        """Take what is offered, value and text: asked for when it is shown."""
        super().__init__(attrs)
        self.choices = choices

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With the list, which the input names by its id."""
        context = super().get_context(name, value, attrs)
        listed = f"{context['widget']['attrs'].get('id', name)}_choices"
        context["widget"]["attrs"]["list"] = listed
        return {**context, "choices": self.choices(), "list_id": listed}

"""The form field for whom a version asks instead: one row each, blank rows left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from prompts.fallbacks import MOST, REASONS, USUAL, problems_of_fallbacks

EMPTY = {"connection": "", "model": "", "on": list(USUAL)}
EMPTY_ROWS = 2


class FallbacksWidget(forms.Widget):
    """One row a fallback: connection, model, and a box for each reason."""

    template_name = "prompts/admin/fallbacks.html"

    offered: Sequence[tuple[str, Any]] = ()
    """Alias and text of the connections that may be chosen; empty where an alias is typed."""

    class Media:
        css = {"all": ["prompts/prompts.css"]}

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The rows, with empty ones at the end."""
        context = super().get_context(name, value, attrs)
        written = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
        rows = [*written, *[EMPTY] * max(0, min(EMPTY_ROWS, MOST - len(written)))]
        known = {alias for alias, _text in self.offered}
        context["widget"] |= {
            "rows": [
                {**row, "place": n, "gone": row.get("connection") not in {"", None, *known}}
                for n, row in enumerate(rows, start=1)
            ],
            "offered": self.offered,
            "reasons": REASONS.items(),
        }
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, Any]]:
        """The rows that name somebody."""
        rows = []
        for n in range(1, MOST + 1):
            said = {part: str(data.get(f"{name}-{n}-{part}", "")).strip() for part in ("connection", "model")}
            if any(said.values()):
                rows.append({**said, "on": [reason for reason in REASONS if data.get(f"{name}-{n}-on-{reason}")]})
        return rows

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-1-model" not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}-1-connection" if id_ else id_


class FallbacksField(forms.Field):
    """A list of fallbacks, each of the right shape."""

    widget = FallbacksWidget

    def clean(self, value: Any) -> Any:
        """Raises: ValidationError: with one sentence for each problem."""
        fallbacks = super().clean(value) or []
        if problems := problems_of_fallbacks(fallbacks):
            raise forms.ValidationError(problems)
        return fallbacks

"""What is chosen on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Field, Model, QuerySet
from django.utils.translation import gettext_lazy as _

from aiops.jobs.quoted_page.forms import VersionForm
from aiops.jobs.sources import Among, ModelSource
from aiops.jobs.sources.selection import only_empty
from aiops.resources import Plain


class RunForm(VersionForm):
    """The same, over which of the selected rows."""

    limit = forms.IntegerField(
        label=_("Number of rows"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=_("At most so many, in the order of the list. Empty: all that are selected."),
    )
    empty = forms.ChoiceField(
        label=_("Only rows without"), required=False, help_text=_("Leaves out the rows whose field is filled already.")
    )

    def __init__(self, model: type[Model], *args: Any, one_row: bool = False, **kwargs: Any) -> None:
        """Offer what there is to choose.

        Args:
            model: whose rows.
            one_row: there is nothing to choose among the rows.
        """
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["empty"].choices = [
            ("", _("(all rows)")),
            *((field.name, str(field.verbose_name)) for field in fillable(model)),
        ]
        if one_row:
            del fields["limit"], fields["empty"]

    def rows(self, selected: QuerySet[Any], *, seen_by: Any, site: str, listed: str | None = None) -> ModelSource:
        """Of the selected rows, those that are meant, in the order of the selection.

        Args:
            seen_by: primary key of the person who sees them.
            site: name of the admin site that shows them.
            listed: what the address of the list says, where all rows on it are meant; None where they were ticked.

        Raises:
            NotRegistered: prompts may read nothing of this model.
        """
        empty, limit = self.cleaned_data.get("empty", ""), self.cleaned_data.get("limit")
        if empty:
            selected = only_empty(selected, empty)
        # A list can be made anew by its address, and has other rows then; a row that was ticked is just that row.
        how: dict[str, Plain] = {"selected": True} if listed is None else {"list": listed}
        selection = {**how, "empty": empty, "limit": limit}
        # Ordered before it is cut: the source puts the primary key last, so that a limit takes the same rows each time.
        whose: dict[str, Any] = {"among": Among.SEEN, "seen_by": seen_by, "site": site}
        whole = ModelSource(selected, selection=selection, **whose)
        return whole if limit is None else ModelSource(whole.queryset[:limit], selection=selection, **whose)

    def pinned(self) -> dict[str, str]:
        kept = {name: self.cleaned_data.get(name) for name in ("limit", "empty")}
        # As text: a page may write numbers its own way, a form must not read 1,000 back.
        return super().pinned() | {name: str(value) for name, value in kept.items() if value}


def fillable(model: type[Model]) -> list[Field[Any, Any]]:
    """The fields of a model that may be empty, and so may be waiting for an answer."""
    return [
        field
        for field in model._meta.concrete_fields
        if (field.blank or field.null) and field.editable and not field.primary_key
    ]

"""What people write on a card."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from aiops.catalogue.models import RATINGS, ModelCard


def _rating(value: Any) -> int | None:
    return int(value) if value else None


class OpinionForm(forms.Form):
    """What one person thinks of the model."""

    favourite = forms.BooleanField(
        label=_("My favourite: offered first where I choose a model"), label_suffix="", required=False
    )
    rating = forms.TypedChoiceField(
        label=_("My rating"),
        required=False,
        coerce=_rating,
        empty_value=None,
        choices=[("", _("none")), *((n, "★" * n) for n in reversed(RATINGS))],
    )


class CardForm(forms.ModelForm):  # type: ignore[type-arg]
    """What holds for everybody."""

    class Meta:
        model = ModelCard
        fields = ("title", "note", "groups")
        widgets = {
            "title": forms.TextInput(attrs={"class": "vTextField"}),
            "note": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3}),
            "groups": forms.SelectMultiple(attrs={"size": 6}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: Any = self.fields["groups"]
        groups.queryset = groups.queryset.order_by("name")

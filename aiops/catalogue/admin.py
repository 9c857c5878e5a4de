"""The catalogue: a list to choose from, and a page for each model."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.catalogue.doors import SYNC, WRITE, favourite_view, opine_view, sync_view, write_view
from aiops.catalogue.filters import (
    AbilityFilter,
    ConnectionFilter,
    EndFilter,
    FavouriteFilter,
    PriceFilter,
    RestrictedFilter,
)
from aiops.catalogue.forms import CardForm, OpinionForm
from aiops.catalogue.models import ModelCard
from aiops.catalogue.shown import can_do, connection_of, price_in_short, price_lines, price_now, state_of, takes
from aiops.lists import ReadOnlyAdmin


@admin.register(ModelCard)
class ModelCardAdmin(ReadOnlyAdmin[ModelCard]):
    """One's favourites first, then by connection and name."""

    page_template = "aiops/catalogue/card.html"
    change_list_template = "admin/aiops/modelcard/change_list.html"
    list_display = ("star", "shown_model", "price", "state", "can", "rating", "who")
    list_display_links = ("shown_model",)
    list_filter = (ConnectionFilter, AbilityFilter, EndFilter, FavouriteFilter, PriceFilter, RestrictedFilter)
    search_fields = ("model", "title", "note")
    search_help_text = gettext_lazy("A part of its name, its title or its note.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelCard]:
        groups = Prefetch("groups", Group.objects.order_by("name"))
        # Not by way of Django's own, which puts them in an order by what is only added here.
        cards = ModelCard.objects.with_opinions(request.user).prefetch_related(groups)
        return cards.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By what the queryset adds, so not a mere option."""
        return ("-favourite", "connection", "model")

    def get_urls(self) -> list[URLPattern]:
        """Adds what buttons post to."""
        doors = [
            path("sync/", self.admin_site.admin_view(sync_view(self)), name="aiops_modelcard_sync"),
            *(
                path(f"<int:card_id>/{name}/", self.admin_site.admin_view(view(self)), name=f"aiops_modelcard_{name}")
                for name, view in (("favourite", favourite_view), ("opine", opine_view), ("write", write_view))
            ),
        ]
        # Before the others: the last of them takes every address.
        return [*doors, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the button that fills it."""
        sync_url = self._address("sync") if request.user.has_perm(SYNC) else ""
        return super().changelist_view(request, {"sync_url": sync_url, **(extra_context or {})})

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """The card in words, and the forms for what this person may write."""
        price = price_now(row, timezone.now())
        may_write = request.user.has_perm(WRITE)
        return {
            "connection": connection_of(row),
            "state": state_of(row, timezone.localdate()),
            "can_do": can_do(row),
            "takes": takes(row),
            "price": price_in_short(price),
            "price_lines": price_lines(price),
            "price_source": price.source if price and not price.is_free else "",
            "who": who(row),
            "mean_rating": self.rating(row),
            "successor_card": ModelCard.objects.filter(connection=row.connection, model=row.successor).first()
            if row.successor
            else None,
            "opinion": OpinionForm(initial={"favourite": row.favourite, "rating": row.own_rating}),
            "opine_url": self._address("opine", row.pk),
            "written": CardForm(instance=row) if may_write else None,
            "write_url": self._address("write", row.pk) if may_write else "",
        }

    @admin.display(description="★")
    def star(self, card: Any) -> SafeString:
        """A button: the list is within a form, and this sends it elsewhere."""
        text = _("%(model)s: no longer a favourite") if card.favourite else _("%(model)s: make it a favourite")
        return format_html(
            '<button class="aiops-star" formaction="{}" name="favourite" value="{}" aria-label="{}">{}</button>',
            self._address("favourite", card.pk),
            "0" if card.favourite else "1",
            text % {"model": card},
            "★" if card.favourite else "☆",
        )

    @admin.display(description=gettext_lazy("model"), ordering="model")
    def shown_model(self, card: ModelCard) -> SafeString:
        """Its name, what people call it, and where it is."""
        about = f"{card.title}, {card.connection}" if card.title else card.connection
        return format_html('{} <span class="aiops-quiet">{}</span>', card.model, about)

    @admin.display(description=gettext_lazy("can do"))
    def can(self, card: ModelCard) -> str:
        return can_do(card)

    @admin.display(description=gettext_lazy("$ a million in / out"))
    def price(self, card: ModelCard) -> str:
        return price_in_short(price_now(card, timezone.now()))

    @admin.display(description=gettext_lazy("state"), ordering="ends_on")
    def state(self, card: ModelCard) -> SafeString:
        return state_of(card, timezone.localdate())

    @admin.display(description=gettext_lazy("rating"), ordering="mean_rating")
    def rating(self, card: Any) -> str:
        """The mean of all."""
        return "–" if card.mean_rating is None else f"{number_format(card.mean_rating, decimal_pos=1)} ★"

    @admin.display(description=gettext_lazy("who may use it"))
    def who(self, card: ModelCard) -> str:
        return who(card)

    def _address(self, name: str, *args: Any) -> str:
        return reverse(f"admin:aiops_modelcard_{name}", args=args, current_app=self.admin_site.name)


def who(card: ModelCard) -> str:
    """Who may use it."""
    if not card.restricted:
        return _("everybody")
    return ", ".join(group.name for group in card.groups.all()) or _("superusers only: its groups were deleted")

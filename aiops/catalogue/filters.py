"""Filters of the list of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from aiops.catalogue.models import ModelCardQuerySet
from aiops.catalogue.shown import WORDS
from aiops.gateway.connections import usable_connections
from aiops.gateway.model_abilities import Ability


class ConnectionFilter(SimpleListFilter):
    """By alias: those of the settings, and the one that is asked for."""

    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        usable, _wrong = usable_connections()
        return [(name, name) for name in sorted({*usable, self.value() or ""} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(connection=self.value()) if self.value() else queryset


class AbilityFilter(SimpleListFilter):
    """By one thing that a model can do."""

    title = _("ability")
    parameter_name = "can"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(str(ability), words) for ability, words in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        cards = cast(ModelCardQuerySet, queryset)
        return cards.that_can(Ability(value)) if value in list(Ability) else queryset


class EndFilter(SimpleListFilter):
    """By whether it is there, and for how long."""

    title = _("end")
    parameter_name = "end"

    CHOICES = (("there", _("there")), ("ending", _("ends within 60 days")), ("over", _("ended or gone")))

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(self.CHOICES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        cards, today = cast(ModelCardQuerySet, queryset), timezone.localdate()
        found: dict[str, Callable[[Any], QuerySet[Any]]] = {
            "there": cards.there,
            "ending": cards.ending,
            "over": cards.over,
        }
        choose = found.get(self.value() or "")
        return choose(today) if choose else queryset


class YesOrNo(SimpleListFilter):
    """By a column that is true or false."""

    field: str
    words: tuple[Any, Any]
    """For true, for false."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return list(zip(("yes", "no"), self.words, strict=True))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value() == "yes"}) if self.value() in ("yes", "no") else queryset


class FavouriteFilter(YesOrNo):
    """By one's own star."""

    title = _("favourite")
    parameter_name = field = "favourite"
    words = (_("mine"), _("others"))


class PriceFilter(YesOrNo):
    """By whether anybody knows what it costs."""

    title = _("price")
    parameter_name = field = "priced"
    words = (_("known"), _("unknown"))


class RestrictedFilter(YesOrNo):
    """By whether only some may use it."""

    title = _("who may use it")
    parameter_name = field = "restricted"
    words = (_("some groups"), _("everybody"))

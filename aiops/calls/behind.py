"""Filters that lead from a sum to the calls behind it: the days they began on, and of what they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.calls.conditions import Condition, Exactly, Reused, UnknownCost
from aiops.calls.counting import ids_of
from aiops.calls.models import MODEL
from aiops.calls.narrowing import ConditionFilter, SinceFilter
from prompts.models import Prompt, PromptVersion
from prompts.numbers import number_in

BETWEEN = ".."


def days_text(first: date, last: date) -> str:
    """Days as an address says them."""
    return f"{first.isoformat()}{BETWEEN}{last.isoformat()}"


def days_in(text: str) -> tuple[date, date] | None:
    """The days that an address says; None where it says none."""
    first, _between, last = text.partition(BETWEEN)
    try:
        days = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        return None
    # Names of calls have no place for other years.
    return days if days[0].year > 1970 and days[1].year < 9999 else None


def query_of(first: date, last: date, **narrower: str) -> str:
    """The query of an address that lists the calls begun on these days.

    Args:
        narrower: names of filters and their values; those that are empty are left out.
    """
    return urlencode({"days": days_text(first, last), **{name: value for name, value in narrower.items() if value}})


class DaysFilter(SinceFilter):
    """By the days of the site on which they began: a stretch of the primary key."""

    title = gettext_lazy("begun")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        today = timezone.localdate(timezone=timezone.get_default_timezone())
        offered = {
            days_text(today, today): _("today"),
            days_text(today - timedelta(days=6), today): _("in the last 7 days"),
            days_text(today - timedelta(days=29), today): _("in the last 30 days"),
        }
        if asked := self.value():
            days = days_in(asked)
            shown = " – ".join(date_format(day) for day in dict.fromkeys(days)) if days else asked
            offered.setdefault(asked, shown)
        return list(offered.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        days = days_in(self.value() or "")
        return queryset.filter(pk__lt=ids_of(*days)[1]) if days else queryset.none()

    def since(self) -> Any:
        days = days_in(self.value() or "")
        return ids_of(*days)[0] if days else None


class _Asked(ConditionFilter):
    """Shown where it is asked for: there are too many to be offered, and a sum leads here."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, Any]]:
        value = self.value()
        return [(value, self.called(value))] if value else []

    def called(self, value: str) -> str:
        """What people call it."""
        return value


class PromptFilter(_Asked):
    """By prompt, all versions of it."""

    title = gettext_lazy("prompt")
    parameter_name = "prompt"

    def called(self, value: str) -> str:
        number = number_in(value)
        name = Prompt.objects.filter(pk=number).values_list("name", flat=True).first() if number is not None else None
        return name or value

    def condition(self) -> Condition | None:
        number = number_in(self.value() or "")
        versions = PromptVersion.objects.filter(prompt=number) if number is not None else PromptVersion.objects.none()
        return _any_of("prompt_version", versions.order_by("-pk"))


class ModelFilter(_Asked):
    """By the model that answered; where none did, that was asked."""

    title = gettext_lazy("model")
    parameter_name = "model"

    def condition(self) -> Condition:
        return Exactly(MODEL, (self.value(),))


class UserFilter(_Asked):
    """By who asked."""

    title = gettext_lazy("user")
    parameter_name = "user"

    def called(self, value: str) -> str:
        user = _found(get_user_model()._default_manager.all(), value)
        return user.get_username() if user else value

    def condition(self) -> Condition | None:
        user = _found(get_user_model()._default_manager.all(), self.value() or "")
        return Exactly("user", (user.pk,)) if user else None


class GroupFilter(_Asked):
    """By a group that whoever asked is in now."""

    title = gettext_lazy("group")
    parameter_name = "group"

    def called(self, value: str) -> str:
        group = _found(Group.objects.all(), value)
        return group.name if group else value

    def condition(self) -> Condition | None:
        number = number_in(self.value() or "")
        users: Any = get_user_model()
        if number is None or not hasattr(users, "groups"):
            return None
        return _any_of("user", users._default_manager.filter(groups=number))


class CostFilter(_Asked):
    """Those whose cost nobody knows; those that saved one."""

    title = gettext_lazy("cost")
    parameter_name = "cost"

    NAMES: ClassVar[dict[str, Any]] = {
        "unknown": gettext_lazy("unknown"),
        "saved": gettext_lazy("saved by an answer that was there"),
    }

    def called(self, value: str) -> str:
        return str(self.NAMES.get(value, value))

    def condition(self) -> Condition | None:
        conditions: dict[str, Condition] = {"unknown": UnknownCost(), "saved": Reused()}
        return conditions.get(self.value() or "")


def _any_of(column: str, rows: QuerySet[Any]) -> Exactly | None:
    keys = tuple(rows.values_list("pk", flat=True))
    return Exactly(column, keys) if keys else None


def _found(rows: QuerySet[Any], key: str) -> Any:
    """The row of that primary key; None where there is none, or it can be no key."""
    try:
        return rows.filter(pk=key).first()
    except (ValueError, ValidationError, OverflowError):
        return None


FILTERS = (DaysFilter, PromptFilter, ModelFilter, UserFilter, GroupFilter, CostFilter)

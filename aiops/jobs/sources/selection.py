"""Choosing rows in words: `category=refund`, `-created_at`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from django.db.models import (
    BinaryField,
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.utils import timezone
from django.utils.translation import gettext

from aiops.jobs.sources.errors import BadFilter, UnknownField, choose_from

Rows = TypeVar("Rows", bound=QuerySet[Any])

ORDER_LOOKUPS = ("gt", "gte", "lt", "lte")
TEXT_LOOKUPS = ("iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith")
LOOKUPS = ("exact", "in", "isnull", *ORDER_LOOKUPS, *TEXT_LOOKUPS)

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def filtered(queryset: Rows, filters: Iterable[str]) -> Rows:
    """The rows for which all of `filters` hold.

    Only the columns of the model itself are asked: what other tables hold is no business of a filter.

    Raises:
        UnknownField: the model has no such column.
        BadFilter: no such lookup, or a value that the field cannot hold.
    """
    for text in filters:
        path, equals, value = text.partition("=")
        if not (equals and path.strip()):
            raise BadFilter(
                gettext("The filter “%(filter)s” has no value: write it as category=refund or text__icontains=card.")
                % {"filter": text}
            )
        name, _, lookup = path.strip().partition("__")
        field = column(queryset.model, name)
        lookup = lookup or "exact"
        _check_lookup(field, lookup, text)
        try:
            queryset = queryset.filter(**{f"{field.name}__{lookup}": _value(field, lookup, value)})
        except (ValidationError, FieldError, ValueError, TypeError, ArithmeticError) as error:
            why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            raise BadFilter(
                gettext("The filter “%(filter)s” has a value that %(field)s cannot hold: %(why)s")
                % {"filter": text, "field": field.name, "why": why}
            ) from error
    return queryset


def only_empty(queryset: Rows, name: str) -> Rows:
    """The rows whose field `name` is NULL, or holds nothing: empty text, no file, in JSON also `[]`, `{}` and null.

    Raises:
        UnknownField: the model has no such column.
    """
    field = column(queryset.model, name)
    empty = Q(**{f"{field.name}__isnull": True})
    for value in _empty_values(field):
        empty |= Q(**{f"{field.name}__exact": value})
    return queryset.filter(empty)


def ordered(queryset: Rows, order: str) -> Rows:
    """The rows in the order of the fields in `order` (commas between, `-` for descending), ties by primary key.

    Raises:
        UnknownField: the model has no such column.
    """
    names = []
    for name in filter(None, (part.strip() for part in order.split(","))):
        sign = "-" if name.startswith("-") else ""
        names.append(f"{sign}{column(queryset.model, name.removeprefix('-')).name}")
    # Without the tie-break a limit would choose other rows each time.
    return queryset.order_by(*names, "pk")


def column(model: type[Model], name: str) -> Field[Any, Any]:
    """The concrete field `name` of `model`; `pk` is its primary key.

    Raises:
        UnknownField: there is none of that name.
    """
    fields = model._meta.concrete_fields
    for field in fields:
        if name in (field.name, field.attname) or (name == "pk" and field.primary_key):
            return field
    choices = [field.name for field in fields]
    raise UnknownField(
        gettext("%(model)s has no field “%(name)s”; %(choices)s.")
        % {"model": model._meta.label, "name": name, "choices": choose_from(name, choices)},
        choices,
    )


def _empty_values(field: Field[Any, Any]) -> tuple[object, ...]:
    """What a field may hold, beside NULL, that is nothing."""
    if isinstance(field, JSONField):
        return ([], {}, "", Value(None, JSONField()))
    if isinstance(field, BinaryField):
        return (b"",)
    return ("",) if field.empty_strings_allowed else ()


def _check_lookup(field: Field[Any, Any], lookup: str, text: str) -> None:
    if isinstance(field, BinaryField | JSONField):
        allowed: tuple[str, ...] = ("isnull",)
    elif isinstance(field, ForeignKey | BooleanField):
        allowed = ("exact", "in", "isnull")
    elif isinstance(field, CharField | TextField):
        allowed = LOOKUPS
    else:
        allowed = ("exact", "in", "isnull", *ORDER_LOOKUPS)
    if lookup not in allowed:
        raise BadFilter(
            gettext("The filter “%(filter)s” cannot compare %(field)s by “%(lookup)s”; %(choices)s.")
            % {"filter": text, "field": field.name, "lookup": lookup, "choices": choose_from(lookup, allowed)}
        )


def _value(field: Field[Any, Any], lookup: str, text: str) -> object:
    if lookup == "isnull":
        return _truth(text)
    if lookup == "in":
        return [_one(field, part.strip()) for part in text.split(",")]
    return _one(field, text)


def _one(field: Field[Any, Any], text: str) -> object:
    if "\x00" in text:
        raise ValueError(gettext("it has a NUL character in it."))
    while isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, BooleanField):
        return _truth(text)
    value = field.to_python(text)
    if isinstance(field, IntegerField) and value is not None:
        _check_range(field, value)
    # Text that means nothing to a number or a date comes out as None, and would choose every row without one.
    if value is None:
        raise ValueError(gettext("it is empty; write __isnull=true for rows without a value."))
    if isinstance(field, DateTimeField) and isinstance(value, dt.datetime) and timezone.is_naive(value):
        value = timezone.make_aware(value)
    return value


def _check_range(field: IntegerField[Any, Any], value: int) -> None:
    """Raises: ValueError: no column of this kind holds it, and the database's driver may fail on it."""
    # Only the column's own range: a filter may well ask beyond what the shop lets people enter.
    least, most = connection.ops.integer_field_range(field.get_internal_type())
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(gettext("the column holds no number as large or as small as that."))


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.strip().lower()]
    except KeyError:
        raise ValueError(gettext("it must be true or false.")) from None

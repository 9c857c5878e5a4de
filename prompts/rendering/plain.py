"""Only plain data reaches a template: nothing that has methods of its own, nothing that asks the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from prompts.errors import NotPlainData, TooLarge

DEPTH = 50
"""Deepest nesting of lists and dictionaries in a variable."""

VALUES = 20_000
"""Most values in all variables together."""

DECIMAL_DIGITS = 400
"""Largest power of ten of a Decimal: `int` of a bigger one takes memory for every digit."""

IMMUTABLE = (str, bool, int, float, type(None), Decimal, datetime, date, time, timedelta, UUID)
EXACT = frozenset(IMMUTABLE)


def plain_variables(variables: Mapping[str, object]) -> dict[str, Any]:
    """A copy in plain Python types; subclasses of text and numbers (safe strings, choices) become what they hold.

    Raises:
        NotPlainData: a model instance, a lazy text, a function, or anything else that is no data.
        TooLarge: too deep, or too many values.
    """
    left = [VALUES]
    return {str.__str__(name): _plain(value, str(name), 0, left) for name, value in variables.items()}


def _plain(value: Any, path: str, depth: int, left: list[int]) -> Any:
    kind = type(value)
    if kind in EXACT and kind is not Decimal:
        return value
    left[0] -= 1
    if depth > DEPTH or left[0] < 0:
        raise TooLarge(
            _("The variables hold too much around %(path)s: at most %(depth)d levels and %(values)s values are read.")
            % {"path": path, "depth": DEPTH, "values": f"{VALUES:,}"}
        )
    if isinstance(value, Decimal):
        if value.is_finite() and abs(value.adjusted()) > DECIMAL_DIGITS:
            raise TooLarge(_("The number in %(path)s is too large or too small.") % {"path": path})
        return value if kind is Decimal else Decimal(value)
    if isinstance(value, dict):
        left[0] -= dict.__len__(value)
        return {_key(key, path): _plain(item, f"{path}.{key}", depth + 1, left) for key, item in dict.items(value)}
    if isinstance(value, list | tuple):
        left[0] -= len(value)
        items = [_plain(item, f"{path}[{n}]", depth + 1, left) for n, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    # The base class's own method, never the subclass's: it may do anything.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise NotPlainData(
        _(
            "The variable %(path)s is of the type %(type)s: give plain data, that is text, numbers, true or false, "
            "dates, lists and dictionaries of them."
        )
        % {"path": path, "type": f"{kind.__module__}.{kind.__qualname__}"},
        name=path,
    )


def _key(key: Any, path: str) -> Any:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or type(key) in (int, bool, float):
        return key
    raise NotPlainData(
        _("The variable %(path)s has a key of the type %(type)s: use text or numbers as keys.")
        % {"path": path, "type": type(key).__name__},
        name=path,
    )

"""Values as a template may see them: text, numbers, booleans, None, lists and dicts of these.

Never a model instance or anything else with methods, and nothing that a JSON column refuses: NUL and lone surrogates
become U+FFFD, a number that is none (NaN, infinity) becomes None.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from django.db.models import Model
from django.utils.functional import Promise

from aiops.gateway.plain_text import storable

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
"""What a variable may hold."""


def plain(value: object) -> Plain:
    """`value` as plain data.

    Decimals become text, so that 12.50 stays 12.50; dates and times ISO 8601; model instances what `str` says of them.

    Raises:
        TypeError: bytes, or something that only a program can read.
    """
    match value:
        case Enum():
            return plain(value.value)
        case str():
            return storable(str(value))
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return f"{value:f}" if value.is_finite() else None
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta() | uuid.UUID() | Promise() | Model():
            return storable(str(value))
        case Mapping():
            return {storable(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    raise TypeError(type(value).__name__)

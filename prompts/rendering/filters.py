"""What a template may call: Jinja2's own filters where they cannot grow, ours where they could."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import wraps
from itertools import islice
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Undefined
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import _PassArg

from prompts.errors import BrokenTemplate, TooLarge
from prompts.rendering.limits import INTEGER_BITS, ITEMS, counted, meter, room_for, weigh

SAFE_FILTERS = """
abs capitalize count d default dictsort filesizeformat first float groupby int items last length list lower map max min
reject rejectattr reverse select selectattr sort sum title trim truncate unique upper wordcount
"""
"""Their result is about as large as what they are given. Left out: `center`, `format`, `batch`, `slice`, `wordwrap`
(they make text of any size out of a number), `attr` (reaches for attributes), `random` (the same row must give the same
prompt), and those for HTML."""

SAFE_TESTS = """
boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan lower lt
mapping ne none number odd sameas sequence string true undefined upper == != > >= < <=
"""
TESTS = {name: JINJA_TESTS[name] for name in SAFE_TESTS.split()}


def admit(value: Any) -> Any:
    """A value that a template has made, once it is known to be of bounded size; iterators become lists.

    Raises:
        TooLarge: it is not.
    """
    kind = type(value)
    if kind is str:
        room_for(len(value))
        meter.get().make(len(value))
        return value
    if kind is int:
        if value.bit_length() > INTEGER_BITS:
            raise TooLarge(_("the template computes a number that is too large."))
        return value
    if kind in (bool, float, type(None), Decimal, datetime, date, time, timedelta, UUID) or isinstance(
        value, Undefined
    ):
        return value
    if isinstance(value, str):
        return admit(str.__str__(value))
    if not isinstance(value, list | tuple | dict | range):
        if not isinstance(value, Iterable):
            return value
        value = list(islice(value, ITEMS + 1))
    if isinstance(value, range):
        return value
    count, chars = weigh(value)
    now = meter.get()
    now.step(1 + count // 10)
    now.make(chars)
    return value


def reading(value: Any) -> int:
    """The steps that going through a value costs: C code is faster than the turns of a loop."""
    if type(value) is str:
        return len(value) // 1000
    if isinstance(value, list | tuple | dict | range):
        return len(value) // 10
    return 0


def metered(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, what it reads counted and its result admitted.

    It may be given the context or the environment, as Jinja2 marks it.
    """

    @wraps(filter_)
    def call(*args: Any, **kwargs: Any) -> Any:
        meter.get().step(1 + sum(map(reading, args)))
        return admit(filter_(*args, **kwargs))

    mark = _PassArg.from_obj(filter_)
    if mark is not None:
        call.jinja_pass_arg = mark  # type: ignore[attr-defined]
    return call


def as_text(value: Any) -> str:
    """What `{{ value }}` puts out.

    Raises:
        BrokenTemplate: it is nothing that can be put out.
    """
    if type(value) is str:
        return value
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, list | tuple | dict):
        return as_json(value)
    if value is None or isinstance(value, bool | int | float | Decimal | datetime | date | time | timedelta | UUID):
        return str(value)
    raise BrokenTemplate(_("a function or loop cannot be put out: call it, or name one of its values."))


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON as people write it: no escapes for HTML, dates and Decimals as text."""
    if indent is not None and not 0 <= indent <= 8:
        raise BrokenTemplate(_("tojson takes an indent from 0 to 8."))
    if isinstance(value, Undefined):
        str(value)
    count, chars = weigh(value)
    room_for(chars + count * (indent or 0))
    return json.dumps(value, ensure_ascii=False, indent=indent, default=as_text)


def join(values: Any, d: Any = "", attribute: str | None = None) -> str:
    """`{{ tags|join(", ") }}`"""
    if attribute is not None:
        raise BrokenTemplate(_("join takes no attribute: use map(attribute=…)|join(…)."))
    between, parts, length = as_text(d), [], 0
    for value in values:
        meter.get().step()
        parts.append(as_text(value))
        length += len(parts[-1]) + len(between)
        room_for(length)
    return between.join(parts)


def replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    """`{{ text|replace("a", "b") }}`"""
    whole, before, after = as_text(text), as_text(old), as_text(new)
    times = whole.count(before)
    most = times if count is None or count < 0 else min(times, count)
    room_for(len(whole) + most * max(len(after) - len(before), 0))
    return whole.replace(before, after, most)


def indent(text: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """`{{ text|indent(2) }}`"""
    text = as_text(text)
    if isinstance(width, int):
        room_for(width)
        width = " " * width
    lines = text.splitlines(keepends=True)
    room_for(len(text) + len(lines) * len(width))
    return "".join(
        line if (n == 0 and not first) or not (blank or line.strip()) else width + line for n, line in enumerate(lines)
    )


def round_(value: float, precision: int = 0, method: str = "common") -> float:
    """`{{ score|round(2) }}`"""
    if not isinstance(precision, int) or abs(precision) > 15:
        raise BrokenTemplate(_("round takes a precision from -15 to 15."))
    return JINJA["round"](value, precision, method)  # type: ignore[no-any-return]


def concat(parts: Any) -> str:
    """What `a ~ b` means."""
    return join(parts)


def collected(value: Any) -> Any:
    """What `[a, b]` means, once it is known to be of bounded size."""
    return value


OURS: dict[str, Callable[..., Any]] = {
    "indent": indent,
    "join": join,
    "replace": replace,
    "round": round_,
    "string": as_text,
    "tojson": as_json,
}
HIDDEN: dict[str, Callable[..., Any]] = {"_concat": concat, "_collected": collected, "_counted": counted}
"""Put into the tree by `syntax`, which refuses them where an author writes them."""

ALL = {**{name: JINJA[name] for name in SAFE_FILTERS.split()}, **OURS, **HIDDEN}
# A loop stays an iterator: it is metered turn by turn.
FILTERS = {**{name: metered(filter_) for name, filter_ in ALL.items()}, "_counted": counted}

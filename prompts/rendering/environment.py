"""The sandbox: Jinja2's own, narrowed to an allow-list. What is not named here cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from jinja2 import StrictUndefined, UndefinedError, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import _GroupTuple
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing

from prompts.errors import TooLarge
from prompts.rendering import filters
from prompts.rendering.filters import HIDDEN, admit
from prompts.rendering.limits import INTEGER_BITS, ITEMS, meter, room_for

TEXT = """
capitalize count endswith find index isalnum isalpha isdigit isnumeric islower isspace istitle isupper join lower lstrip
partition removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith strip swapcase
title upper
"""
DAY = "day isoformat isoweekday month weekday year"
CLOCK = "hour isoformat microsecond minute second"
ATTRIBUTES: dict[type, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        str: TEXT,
        dict: "get items keys values",
        list: "count index",
        tuple: "count index",
        date: DAY,
        datetime: f"{DAY} {CLOCK} date time",
        time: CLOCK,
        timedelta: "days seconds total_seconds",
        UUID: "hex",
        _GroupTuple: "grouper list",
        LoopContext: "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0",
    }.items()
}
"""What may be read of a value, by its exact type. Everything else of it does not exist for a template."""

GROWING: dict[str, Callable[..., Any]] = {
    "replace": filters.replace,
    "join": lambda between, values: filters.join(values, between),
}
"""Methods of text that can make more than they are given: ours are used instead."""

FUNCTIONS = {"range": "call_range", "dict": "call_dict", "namespace": "call_namespace"}
"""What may be called by its name, and the attribute of the environment that it is. A variable is never called: a row's
own `range` and the function do not meet."""

NUMBERS = (int, float, Decimal)
TIMES = (date, datetime, timedelta)


class MissingName(UndefinedError):
    """Carries the name that was not there."""

    def __init__(self, name: Any, known: list[str] | None, message: str | None = None) -> None:
        super().__init__(message)
        self.name = str(name)
        self.known = known
        """The keys that exist instead; None for a variable, whose alternatives the renderer knows."""


class Missing(StrictUndefined):
    """An undefined value that knows its name."""

    __slots__ = ()

    def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = UndefinedError) -> None:
        known = None if obj is missing else [str(key) for key in obj] if isinstance(obj, dict) else []
        error: Any = partial(MissingName, name, known) if exc is UndefinedError else exc
        super().__init__(hint, obj, name, error)


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """Reads keys and a few harmless attributes, computes with bounds, and calls nothing else."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=False,
            # Nothing is computed while compiling: there is no meter yet.
            optimized=False,
            finalize=put_out,
            # A line that holds only a tag leaves no blank line behind.
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters = dict(filters.FILTERS)
        self.tests = dict(filters.TESTS)
        # No name means anything but a variable: `FUNCTIONS` are known by being called.
        self.globals = {}
        self.call_range, self.call_dict, self.call_namespace = bounded_range, dict, Namespace

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a key first, so that a row's own field is never hidden by a method."""
        if isinstance(obj, Missing):
            str(obj)  # Raises, with the name.
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Namespace) and not attribute.startswith("_"):
            return names_of(obj).get(attribute, self.undefined(obj=obj, name=attribute))
        if attribute in ATTRIBUTES.get(type(obj), ()):
            if type(obj) is str and attribute in GROWING:
                return partial(GROWING[attribute], obj)
            return getattr(obj, attribute)
        if attribute.startswith("_") or hasattr(type(obj), attribute):
            return self.unsafe_undefined(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`; filters with `attribute=` come here too."""
        if isinstance(obj, dict | list | tuple | str | range):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        if isinstance(argument, str):
            return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
        """What stands for something that may not be read; it raises when it is used."""
        hint = _('"%(name)s" of a value may not be read') % {"name": attribute}
        return self.undefined(hint, obj=obj, name=attribute, exc=SecurityError)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A filter by its name, as `map("upper")` asks for it.

        Raises:
            SecurityError: it is one of those that only the compiler may use.
        """
        if name in HIDDEN:
            raise SecurityError(_('No filter named "%(name)s"') % {"name": name})
        return super().call_filter(name, *args, **kwargs)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """`obj(…)`: only what the environment itself has handed out arrives here."""
        meter.get().step()
        return admit(__context.call(__obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers and dates; text and lists may be joined, text repeated, within bounds."""
        meter.get().step()
        check_operands(operator, left, right)
        return admit(self.binop_table[operator](left, right))


@pass_context
def put_out(context: Context, value: Any) -> str:
    """The text of `{{ value }}`, metered. It takes the context so that Jinja2 computes nothing while compiling."""
    now = meter.get()
    now.step()
    text = filters.as_text(value)
    now.put_out(len(text))
    return text


def bounded_range(*args: int) -> range:
    """Raises: TooLarge: more turns than any loop may take."""
    numbers = range(*args)
    if len(numbers) > ITEMS:
        raise TooLarge(_("range() goes up to %(limit)s values: use fewer.") % {"limit": f"{ITEMS:,}"})
    return numbers


def check_operands(operator: str, left: Any, right: Any) -> None:
    """Raises: TooLarge, SecurityError: the result would be too large, or the operator is not for these."""
    for value in (left, right):
        if isinstance(value, Missing):
            str(value)  # Raises, with the name.
    if isinstance(left, NUMBERS) and isinstance(right, NUMBERS):
        if operator == "**":
            check_power(left, right)
        return
    if operator == "+" and any(isinstance(left, kind) and isinstance(right, kind) for kind in (str, list, tuple)):
        room_for(len(left) + len(right))
        return
    if operator == "*" and (isinstance(left, str) and isinstance(right, int)):
        room_for(len(left) * max(right, 0))
        return
    if operator in ("+", "-") and isinstance(left, TIMES) and isinstance(right, TIMES):
        return
    raise SecurityError(
        _('"%(operator)s" does not work between %(left)s and %(right)s.')
        % {"operator": operator, "left": type(left).__name__, "right": type(right).__name__}
    )


def check_power(base: Any, exponent: Any) -> None:
    """Raises: TooLarge: the result would fill the memory."""
    whole = isinstance(base, int) and isinstance(exponent, int)
    if abs(exponent) * base.bit_length() > INTEGER_BITS if whole else abs(exponent) > 1000:
        raise TooLarge(_("the template computes a number that is too large."))


def names_of(namespace: Namespace) -> dict[str, Any]:
    """What `{% set ns.x = … %}` has put into it."""
    return object.__getattribute__(namespace, "_Namespace__attrs")  # type: ignore[no-any-return]

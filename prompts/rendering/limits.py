"""How much one rendering may do: a template is written by people, and people slip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.utils.translation import gettext as _

from prompts.errors import TooLarge

TEMPLATE_CHARS = 100_000
"""Longest template of one message, characters."""

MESSAGES_CHARS = 200_000
"""Longest templates of all messages of a version together, characters: reading them must not hold a web worker."""

RENDERED_BYTES = 400_000
"""Most that all messages of one rendering hold together, in UTF-8; in characters, also the longest text on the way."""

ITEMS = 20_000
"""Most values in one list or dictionary that a template makes, inner ones included."""

STEPS = 50_000
"""Most turns of all loops of one rendering, and values that its filters go through."""

MADE_CHARS = 20_000_000
"""Most text that all the operations of one rendering make together, whether or not it is put out; characters."""

SECONDS = 2.0
"""Longest time of one rendering. Steps end a runaway first, and alike on every machine; this is the last resort."""

INTEGER_BITS = 4_096
"""Largest whole number that a template may compute."""


@dataclass(slots=True)
class Meter:
    """Counts what one rendering has done."""

    steps: int = 0
    chars: int = 0
    """Put out so far."""
    made: int = 0
    """Characters made so far by filters, methods and operators."""
    deadline: float = field(default_factory=lambda: monotonic() + SECONDS)

    def step(self, n: int = 1) -> None:
        """Raises: TooLarge: enough is enough."""
        self.steps += n
        if self.steps > STEPS:
            raise TooLarge(_("the template takes more than %(limit)s steps: loop over less.") % {"limit": f"{STEPS:,}"})
        if monotonic() > self.deadline:
            raise TooLarge(_("the template takes more than %(limit)g seconds: make it simpler.") % {"limit": SECONDS})

    def make(self, chars: int) -> None:
        """Raises: TooLarge: the template goes on making text."""
        self.made += chars
        if self.made > MADE_CHARS:
            raise too_long()

    def put_out(self, chars: int) -> None:
        """Raises: TooLarge: the messages grow too long."""
        self.chars += chars
        if self.chars > RENDERED_BYTES:
            raise too_long()


meter: ContextVar[Meter] = ContextVar("meter")
"""Of the rendering in this thread or task."""


def too_long() -> TooLarge:
    """The error for a text beyond `RENDERED_BYTES`."""
    return TooLarge(
        _("the text grows beyond %(limit)d KB: shorten it, for instance {{ text[:10000] }}.")
        % {"limit": RENDERED_BYTES // 1000}
    )


def room_for(chars: int) -> None:
    """Raises: TooLarge: a text of this length may not be made."""
    if chars > RENDERED_BYTES:
        raise too_long()


def weigh(value: Any, *, limit: int = ITEMS) -> tuple[int, int]:
    """How many values a list, tuple or dictionary holds, and how many characters; what is met twice counts twice.

    Raises:
        TooLarge: more than `limit`: a list that holds a list twice, and so on, is small to build and endless to read.
    """
    count = chars = 0
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            chars += len(item)
            continue
        if isinstance(item, dict):
            chars += sum(len(key) for key in item if isinstance(key, str))
            inner: Iterable[Any] = item.values()
        elif isinstance(item, list | tuple):
            inner = item
        else:
            continue
        count += len(item)
        if count > limit:
            raise TooLarge(
                _("the template makes a list of more than %(limit)s values: use fewer.") % {"limit": f"{limit:,}"}
            )
        todo.extend(part for part in inner if isinstance(part, str | dict | list | tuple))
    return count, chars


def counted(values: Iterable[Any], chars: int) -> Iterator[Any]:
    """What a loop goes through, each turn metered; `chars` is the constant text that a turn puts out."""
    now = meter.get()
    for value in values:
        now.step()
        now.put_out(chars)
        yield value

"""What commands share: how they end, and how they print."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiops.execution import errors as execution
from aiops.jobs.errors import JobError
from aiops.jobs.sources import SourceError
from aiops.ledger.money import to_nanos
from aiops.resources import ResourceError
from prompts.numbers import number_in

FAILED = 1
"""It was done, and something in it failed."""

REFUSED = 2
"""Nothing was done: the sentence says why, and what would do. Also what argparse ends with."""

INTERRUPTED = 130
"""Ctrl-C, as shells count it."""

REFUSALS = (JobError, SourceError, ResourceError, *execution.REFUSALS)
"""What may refuse a job or a call before it is begun; each is one sentence."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class TerminalCommand(BaseCommand):
    """A command whose examples keep their lines, and whose refusals are one sentence and exit code 2."""

    # They would stop at a wrong setting with a page of their own; the command itself says it in a sentence.
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the lines of the examples."""
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def write_json(self, data: object) -> None:
        """Print `data` as JSON in one line of plain ASCII, which every pipe can carry."""
        self.stdout.write(json.dumps(data))

    def write_text(self, text: str) -> None:
        """Print a stranger's text: to a pipe as it is, to a terminal without what would steer it."""
        self.stdout.write(harmless(text) if self.stdout.isatty() else text)


def refused(sentence: object) -> CommandError:
    """The error for what cannot be done as asked."""
    return CommandError(harmless(" ".join(str(sentence).split())), returncode=REFUSED)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns every refusal of the rooms below into `refused`."""
    try:
        yield
    except REFUSALS as error:
        raise refused(error) from error


def harmless(text: str) -> str:
    """`text` without the control characters that move a terminal's cursor, recolour it or rename its window."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))


def dollars_typed(text: str) -> int:
    """A type for argparse: dollars above zero, as nano-dollars.

    Raises:
        ArgumentTypeError: they are not.
    """
    try:
        dollars = Decimal(text)
    except InvalidOperation:
        dollars = Decimal(0)
    if not dollars.is_finite() or not Decimal("0.000000001") <= dollars <= 1_000_000_000:
        raise ArgumentTypeError(f"{text} is no sum of dollars above zero, such as 2.50")
    return to_nanos(dollars)


def whole_number(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """A type for argparse: a whole number within bounds."""

    def parse(text: str) -> int:
        number = number_in(text)
        if number is None or not least <= number <= most:
            raise ArgumentTypeError(f"{text} is not a whole number from {least} to {most}")
        return number

    return parse

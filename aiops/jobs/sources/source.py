"""A source: rows that a version is run over, from a table or from a file."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.db.models import Model
from django.utils.translation import gettext, ngettext

from aiops.jobs.sources.errors import EmptySource, MissingVariables, choose_from
from aiops.resources import Plain


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row, read."""

    variables: Mapping[str, Plain]
    """What it gives to the template: plain data, a snapshot."""

    key: str | None = None
    """The primary key of the row as text; None for a row of a file."""


class Source(Protocol):
    """Rows of one shape, counted and streamed. Everything that can be wrong with it is found when it is made."""

    @property
    def variables(self) -> frozenset[str]:
        """The names that every row gives."""
        ...

    @property
    def model(self) -> type[Model] | None:
        """The model that the rows are of; None for a file."""
        ...

    def count(self) -> int:
        """How many rows there are now."""
        ...

    def fingerprint(self) -> str:
        """Of which rows there are now, in whatever order: another one as soon as a row came, went or was replaced."""
        ...

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        """The rows in order, one at a time; may be asked for again. Nothing in the database stays open between two.

        Args:
            most: only the first so many.
        """
        ...

    def describe(self) -> str:
        """For people: `20 rows of helpdesk.Ticket`."""
        ...

    def as_json(self) -> dict[str, Plain]:
        """What a job keeps about where its rows came from."""
        ...


def check_variables(source: Source, required: frozenset[str]) -> None:
    """See that every row gives what a version asks for.

    Raises:
        MissingVariables: it does not.
    """
    missing = sorted(required - source.variables)
    if missing:
        raise MissingVariables(
            ngettext(
                "The prompt asks for the variable “%(missing)s”, which the rows do not have; %(choices)s.",
                "The prompt asks for the variables “%(missing)s”, which the rows do not have; %(choices)s.",
                len(missing),
            )
            % {"missing": ", ".join(missing), "choices": choose_from(missing[0], source.variables)},
            missing,
            sorted(source.variables),
        )


def check_rows(source: Source) -> int:
    """How many rows there are; one at least.

    Raises:
        EmptySource: there is none.
    """
    count = source.count()
    if not count:
        raise EmptySource(gettext("There is nothing to do: %(rows)s; choose other rows.") % {"rows": source.describe()})
    return count


def rows_of(count: int, what: str) -> str:
    """`1,200 rows of helpdesk.Ticket`."""
    return ngettext("%(count)s row of %(what)s", "%(count)s rows of %(what)s", count) % {
        "count": f"{count:,}",
        "what": what,
    }

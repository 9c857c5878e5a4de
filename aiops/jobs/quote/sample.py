"""The first rows of a source, rendered: how large their calls would be, and which of them do not fit the prompt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, pstdev
from time import monotonic
from typing import Self

from django.utils.translation import ngettext

from aiops.gateway.tokens import TokenCounter
from aiops.jobs.duplicates import Firsts
from aiops.jobs.errors import JobRefused
from aiops.jobs.inputs import Inputs
from aiops.jobs.quote.between import MARGIN, errors_to_either_side
from aiops.jobs.sources import Source, SourceError, SourceRow
from prompts.errors import NotRendered
from prompts.models import PromptVersion
from prompts.rendering import RenderedPrompt, render

SAMPLE = 1_000
"""Rows that are looked at; a larger source is reckoned from its first so many."""

SECONDS = 10.0
"""After so long what has been looked at is enough: a template may take up to two seconds a row, and people wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the first rows of a source make of a version."""

    rows: int
    """Looked at, those that do not fit included."""

    unique: int
    """Those of them that are asked: others are like an earlier one."""

    tokens: int
    """Of all that are asked."""

    tokens_of_all: int
    """Of all renderings, those that are like an earlier one included."""

    deviation: float
    """How much renderings differ from one another in their size: the standard deviation as a share of the mean."""

    keys: tuple[str, ...]
    """Primary keys of the rows; empty for rows of a file."""

    unfit: int
    """Rows that cannot be rendered: their items will fail, and nothing is asked for them."""

    first_unfit: int
    """The place of the first of them, from 1; 0 where there is none."""

    unfit_because: str
    """What is wrong with that one."""

    @classmethod
    def of(cls, version: PromptVersion, source: Source, counter: TokenCounter) -> Self:
        """Render the first rows.

        Raises:
            JobRefused: none of them can be rendered, or the source fails on one.
            CannotCount: the counter does not.
        """
        firsts, inputs = Firsts(), Inputs(version)
        keys, rows = [], 0
        counted: dict[int, int] = {}
        asked, sizes, unfit = [], [], []
        for rows, (row, rendering) in enumerate(_renderings(version, source), start=1):
            keys.append(row.key)
            if isinstance(rendering, NotRendered):
                unfit.append((rows, str(rendering)))
                continue
            first = firsts.of(inputs.digest(row.variables), rows)
            # What is like an earlier row renders like it.
            counted[rows] = counter.of_messages(rendering.messages) if first is None else counted[first]
            sizes.append(counted[rows])
            if first is None:
                asked.append(counted[rows])
        first, because = unfit[0] if unfit else (0, "")
        if unfit and len(unfit) == rows:
            raise _nothing_fits(rows, because)
        return cls(
            rows=rows,
            unique=len(asked),
            tokens=sum(asked),
            tokens_of_all=sum(sizes),
            deviation=pstdev(sizes) / max(1.0, fmean(sizes)) if sizes else 0.0,
            keys=tuple(key for key in keys if key is not None),
            unfit=len(unfit),
            first_unfit=first,
            unfit_because=because,
        )

    def warning(self, *, whole: bool) -> str:
        """What people must know of the rows that do not fit.

        Args:
            whole: these are all the rows there are.
        """
        if whole:
            text = ngettext(
                "%(unfit)s row does not fit the prompt and will fail without being asked. Row %(row)s: %(why)s",
                "%(unfit)s rows do not fit the prompt and will fail without being asked. "
                "The first, row %(row)s: %(why)s",
                self.unfit,
            )
        else:
            text = ngettext(
                "%(unfit)s of the first %(rows)s rows does not fit the prompt and will fail without being asked. "
                "Row %(row)s: %(why)s",
                "%(unfit)s of the first %(rows)s rows do not fit the prompt and will fail without being asked. "
                "The first, row %(row)s: %(why)s",
                self.unfit,
            )
        return text % {
            "unfit": f"{self.unfit:,}",
            "rows": f"{self.rows:,}",
            "row": f"{self.first_unfit:,}",
            "why": self.unfit_because,
        }

    def asked(self, rows: int) -> int:
        """Rows of a source of so many that are asked. What was not looked at counts in full."""
        return self.unique + max(0, rows - self.rows)

    def tokens_each(self, rows: int) -> float:
        """Of one rendering that is asked, on average over a source of so many rows."""
        rest = max(0, rows - self.rows)
        of_rest = self.tokens_of_all / max(1, self.rows - self.unfit)
        return (self.tokens + rest * of_rest) / max(1, self.asked(rows))

    def spread(self, rows: int) -> float:
        """How far that may be from what it is, as a share of it: nobody has looked at the rest.

        Args:
            rows: of the whole source.
        """
        rest = max(0, rows - self.rows)
        if not rest or not self.rows:
            return 0.0
        error = self.deviation * math.sqrt(1 / self.rows + 1 / rest)
        return (errors_to_either_side(self.rows) * error + MARGIN) * rest / self.asked(rows)


def see_that_one_fits(version: PromptVersion, source: Source) -> None:
    """One real rendering finds what no list of variables shows; a bad row is no reason to refuse all the others.

    Raises:
        JobRefused: none of the first rows can be rendered, or the source fails on one.
    """
    rows, because = 0, ""
    for _row, rendering in _renderings(version, source):
        if not isinstance(rendering, NotRendered):
            return
        rows, because = rows + 1, because or str(rendering)
    if rows:
        raise _nothing_fits(rows, because)


def _renderings(version: PromptVersion, source: Source) -> Iterator[tuple[SourceRow, RenderedPrompt | NotRendered]]:
    """The first rows, each rendered, or why it cannot be."""
    until = monotonic() + SECONDS
    try:
        for row in source.rows(SAMPLE):
            try:
                rendering: RenderedPrompt | NotRendered = render(version, row.variables)
            except NotRendered as error:
                rendering = error
            yield row, rendering
            if monotonic() > until:
                return
    except SourceError as error:
        raise JobRefused(str(error)) from error


def _nothing_fits(rows: int, because: str) -> JobRefused:
    return JobRefused(
        ngettext(
            "The row does not fit the prompt: %(why)s",
            "None of the first %(rows)s rows fits the prompt. The first: %(why)s",
            rows,
        )
        % {"rows": f"{rows:,}", "why": because}
    )

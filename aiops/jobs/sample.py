"""The first rows of a source, rendered: how large their calls would be, and which of them do not fit the prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Self

from django.utils.translation import ngettext

from aiops.jobs.errors import JobRefused
from aiops.jobs.sources import Source, SourceError
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
    """Different renderings."""

    bytes: int
    """Of all renderings together, in UTF-8."""

    messages: int
    """Of one rendering."""

    unfit: int
    """Rows that cannot be rendered: their items will fail, and nothing is asked for them."""

    first_unfit: int
    """The place of the first of them, from 1; 0 where there is none."""

    unfit_because: str
    """What is wrong with that one."""

    @classmethod
    def of(cls, version: PromptVersion, source: Source) -> Self:
        """Render the first rows.

        Raises:
            JobRefused: none of them can be rendered, or the source fails on one.
        """
        seen, rows, size, messages = set(), 0, 0, 0
        unfit: list[tuple[int, str]] = []
        for rows, rendering in enumerate(_renderings(version, source), start=1):
            if isinstance(rendering, NotRendered):
                unfit.append((rows, str(rendering)))
                continue
            size, messages = size + rendering.size, len(rendering.messages)
            seen.add(hashlib.sha256(repr(rendering.messages).encode("utf-8", "replace")).digest())
        first, because = unfit[0] if unfit else (0, "")
        if unfit and len(unfit) == rows:
            raise _nothing_fits(rows, because)
        return cls(
            rows=rows,
            unique=len(seen),
            bytes=size,
            messages=messages,
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

    @property
    def bytes_each(self) -> int:
        """Of one rendering, on average."""
        return self.bytes // max(1, self.rows - self.unfit)


def see_that_one_fits(version: PromptVersion, source: Source) -> None:
    """One real rendering finds what no list of variables shows; a bad row is no reason to refuse all the others.

    Raises:
        JobRefused: none of the first rows can be rendered, or the source fails on one.
    """
    rows, because = 0, ""
    for rendering in _renderings(version, source):
        if not isinstance(rendering, NotRendered):
            return
        rows, because = rows + 1, because or str(rendering)
    if rows:
        raise _nothing_fits(rows, because)


def _renderings(version: PromptVersion, source: Source) -> Iterator[RenderedPrompt | NotRendered]:
    """The first rows, each rendered, or why it cannot be."""
    until = monotonic() + SECONDS
    try:
        for row in source.rows(SAMPLE):
            try:
                rendering: RenderedPrompt | NotRendered = render(version, row.variables)
            except NotRendered as error:
                rendering = error
            yield rendering
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

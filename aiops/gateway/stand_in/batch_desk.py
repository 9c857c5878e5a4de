"""What becomes of batches: the limits that they are held to, and what a test has in mind for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from aiops.gateway.stand_in.webhooks import Webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFault:
    """Why a whole batch is refused once its file is read."""

    code: str
    message: str
    line: int | None = None
    """Of the file, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFate:
    """What becomes of one batch. A line is answered by the rules and the script, as a request would be."""

    ends: Literal["completed", "failed", "expired"] = "completed"

    done: float = 1.0
    """Share of its lines that are asked before it expires or is cancelled."""

    left_out: float = 0.0
    """Share of the lines that were asked and stand in neither file: the provider has lost them."""

    stays: int = 0
    """How often it is seen in each state before it goes on; 0 goes through all of them at the first look."""

    lines_a_look: int | None = None
    """Lines that are asked each time that somebody looks; None: all of them."""

    faults: Sequence[BatchFault] = ()
    """Why it failed, where it does."""

    tells_expired: bool = True
    """Whether the lines that were not asked stand in the file of errors."""

    tells_counts: bool = True
    """Whether it is told how many of its lines are done."""

    unlisted: int = 0
    """How often the list of batches is asked for before it stands in it."""

    files_late: int = 0
    """How often it is seen at its end before its files are named."""


@dataclass(slots=True)
class BatchDesk:
    """Set by a test at any time."""

    most_lines: int = 50_000
    most_bytes: int = 200_000_000
    tells_metadata: bool = True
    """Whether batches are told with the metadata that they were created with."""

    usual: BatchFate = field(default_factory=BatchFate)
    """What becomes of those that nothing else was said of."""

    webhook: Webhook | None = None
    """Who is told by the provider itself when a batch is over; None: nobody."""

    _fates: deque[BatchFate] = field(default_factory=deque)

    def will(self, *fates: BatchFate) -> None:
        """Say what becomes of the batches that are created next, in order."""
        self._fates.extend(fates)

    def next_fate(self) -> BatchFate:
        """What becomes of the one that is created now."""
        return self._fates.popleft() if self._fates else self.usual

    def clear(self) -> None:
        """Forget what was said of single ones."""
        self._fates.clear()

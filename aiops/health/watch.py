"""Whether a cluster that is not heard of stands still, or is only not to be heard just now."""

from __future__ import annotations

LONGEST_LOOK = 10.0
"""Seconds between two looks beyond which nothing was seen: the watcher stood still itself, or the database did.

Then silence is counted anew: whoever waited for the database could not say anything either, and needs a moment now.
"""


class Watch:
    """Adds up silence. It goes by a steady clock, so that one that jumps kills nobody."""

    def __init__(self, *, patience: float, at: float) -> None:
        """
        Args:
            patience: seconds of silence after which it stands still. Until it is first heard of it has twice as long.
            at: seconds of a steady clock, as everywhere here.
        """
        self.silent = 0.0
        self.heard = False
        self._patience = patience
        self._beats: int | None = None
        self._at = at

    def look(self, beats: int | None, *, busy: bool, at: float) -> None:
        """Take note of what there is to see.

        Args:
            beats: how often it was heard of; None where that cannot be found out, which says nothing about it.
            busy: one of its workers is at a task that says nothing while it lasts.
        """
        if beats is None:
            return
        passed, self._at = at - self._at, at
        # What was counted before it was started is none of its own.
        news = self._beats is not None and beats != self._beats
        self.heard, self._beats = self.heard or news, beats
        self.silent = 0.0 if news or busy or passed > LONGEST_LOOK else self.silent + passed

    @property
    def stands_still(self) -> bool:
        """Whether nothing will come any more."""
        return self.silent > self._patience * (1 if self.heard else 2)

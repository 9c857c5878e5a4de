"""How many calls are in flight at a time: as many as the connection allows, or as the provider bears just now."""

from __future__ import annotations

from aiops.gateway.errors import GatewayError, Interrupted, RateLimited, ServerFault, Unreachable

OVERLOADED = (RateLimited, ServerFault, Unreachable, Interrupted)
"""What a server says that has too much to do: 429, 5xx, no connection, no answer in time."""

BORNE = 1 / 20
"""Share of the slots that may be refused in one round without it meaning anything: single calls fail everywhere."""

FAR = 0.5
"""What is left of the slots where already the first calls at a number of them are refused."""

NEAR = 0.7
"""The same where calls have succeeded before: the number that the provider bears is a little below."""

ROUNDS = 50
"""Rounds in which calls succeed, and all slots are used, from one slot to all of them; at least one slot a round."""


class Slots:
    """Up slowly, down fast, between one and the bound. It begins at the bound: where all is well, nothing is slower.

    A round is as many calls as there are slots. Of one burst of refusals only the first ones count: whatever was sent
    before the number was lowered says nothing of the lower number.

    Each worker finds its number by itself, at its own job: where several ask one provider, their numbers come to share
    what it bears, as connections share a line. What the provider says in numbers (limits a minute, `Retry-After`) is
    kept by `aiops.limits`, for all processes together; this is for what it does not say.
    """

    def __init__(self, most: int) -> None:
        """
        Args:
            most: the bound.
        """
        self.most = most
        self._open = float(most)
        self._lowered_at = float("-inf")
        self._climbed = False
        self._begin_round()

    @property
    def now(self) -> int:
        """How many calls may be in flight."""
        return int(self._open)

    @property
    def lowered_to(self) -> int | None:
        """The same; None where that is the bound."""
        return None if self.now >= self.most else self.now

    def failed(self, error: GatewayError, *, began: float, at: float) -> None:
        """A sending failed.

        Args:
            began: when it had its slot, by the clock by which it is `at` now.
        """
        if not isinstance(error, OVERLOADED) or began < self._lowered_at:
            return
        self._refused += 1
        if self._refused > self._open * BORNE:
            self._open = max(1.0, self._open * (NEAR if self._climbed else FAR))
            self._lowered_at = at
            self._climbed = False
            self._begin_round()
        else:
            self._count()

    def answered(self, *, began: float, full: bool) -> None:
        """A sending was answered.

        Args:
            began: as in `failed`.
            full: whether all slots were used by then: else nothing shows that more would be borne.
        """
        if self._open >= self.most and not self._refused:
            return
        if began < self._lowered_at:
            return
        if full and self._open < self.most:
            self._open = min(float(self.most), self._open + max(1.0, self.most / ROUNDS) / self._open)
            self._climbed = True
        self._count()

    def _count(self) -> None:
        self._ended += 1
        if self._ended >= self._open:
            self._begin_round()

    def _begin_round(self) -> None:
        self._ended = self._refused = 0

"""What an answer goes over: a connection of HTTP, or none at all within one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Wire(Protocol):
    """One answer's way to whoever asked. Writing raises `ConnectionError` once they have gone."""

    @property
    def begun(self) -> bool:
        """Whether the headers have been sent."""

    async def whole(self, body: bytes, *, status: int, headers: Mapping[str, str]) -> None:
        """Send a complete answer at once."""

    async def begin(self, *, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Send the headers of an answer that comes piece by piece."""

    async def piece(self, data: bytes) -> None:
        """Send the next piece; it leaves at once."""

    async def end(self) -> None:
        """End the answer as HTTP wants it."""

    async def pause(self, seconds: float) -> None:
        """Let so much time go by; 0 lets the others have their turn."""

    async def stall(self, seconds: float) -> None:
        """As `pause`, but no longer than somebody waits.

        Raises:
            ConnectionError: they have gone.
        """

    def half_close(self) -> None:
        """Say that nothing more comes, in the middle of whatever was being said, and go on listening."""

    def hang_up(self) -> None:
        """Close the connection in the middle of whatever was being said."""

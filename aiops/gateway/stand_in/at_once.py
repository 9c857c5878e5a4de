"""A server that bears so many requests at a time, and refuses the others."""

from __future__ import annotations

import threading


class AtOnce:
    """May be asked from any number of threads."""

    def __init__(self, most: int | None) -> None:
        """
        Args:
            most: requests at a time; None is no limit.
        """
        self.most = most
        self._lock = threading.Lock()
        self._inside = 0

    def enter(self) -> bool:
        """Let a request in, if there is room; whoever is let in leaves."""
        with self._lock:
            if self.most is not None and self._inside >= self.most:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """It is answered, or has gone away."""
        with self._lock:
            self._inside -= 1

"""The eye of a supervisor on the database: in a thread of its own, for a database that is cut off answers never."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from aiops.health.mailbox import ask_for_beat, clear
from aiops.jobs.models import Heartbeat
from aiops.jobs.tasks import ring_again

logger = logging.getLogger(__name__)

LOOKS_EVERY = 2.0
"""Seconds."""

GIVEN_UP = 60.0
"""Seconds after which a look that has not come back is left to itself, and another one is begun."""


class Eye:
    """`look()` never waits: it tells what was last seen, once, and has it looked again."""

    def __init__(self, cluster: str, *, asks_every: float) -> None:
        self._cluster = cluster
        self._asks_every = asks_every
        self._asked_at = float("-inf")
        self._looked_at = float("-inf")
        self._thread: threading.Thread | None = None
        self._fresh: int | None = None
        self._rings = False
        self._trouble = False

    def look(self, *, asking: bool, silent: float, at: float) -> int | None:
        """How often the cluster was heard of; None where there is nothing new to be said, or it cannot be found out.

        Args:
            asking: whether it may be asked to say something, where it has been silent.
            silent: seconds that it has been.
            at: seconds of the steady clock.
        """
        waits = self._thread is not None and self._thread.is_alive() and at - self._looked_at < GIVEN_UP
        if not waits and at - self._looked_at >= LOOKS_EVERY:
            at_once = self._trouble or self._asked_at == float("-inf")
            asks = asking and (at_once or min(silent, at - self._asked_at) >= self._asks_every)
            if asks:
                self._asked_at = at
            self._looked_at = at
            self._thread = threading.Thread(target=self._see, args=(asks,), daemon=True)
            self._thread.start()
        fresh, self._fresh = self._fresh, None
        return fresh

    def begin(self) -> None:
        """A cluster is started. What one before it had been given nobody will do, unless it is told again."""
        self._asked_at = float("-inf")
        self._rings = True

    def close(self, patience: float = 5.0) -> None:
        """The cluster has ended as it was asked to. Says so, if the database can be told."""
        thread = threading.Thread(target=self._say_goodbye, daemon=True)
        thread.start()
        thread.join(patience)

    def _see(self, asks: bool) -> None:
        try:
            if self._rings:
                ring_again()
                self._rings = False
            if asks:
                # Workers are silent, too, while a database can be read and not be written to.
                ask_for_beat(self._cluster)
                self._trouble = False
            self._fresh = Heartbeat.objects.beats_of(self._cluster)
        except (DatabaseError, InterfaceError) as error:
            self._trouble = True
            logger.warning("Workers %s cannot be watched, the database is out of order: %s", self._cluster, error)
        finally:
            # A thread a look: one that came back has nothing that could be broken by the next.
            connections.close_all()

    def _say_goodbye(self) -> None:
        try:
            clear(self._cluster)
            Heartbeat.objects.end(self._cluster, timezone.now())
        except (DatabaseError, InterfaceError):
            logger.warning("Workers %s have ended; the database could not be told.", self._cluster)
        finally:
            connections.close_all()

"""A letter box of each cluster beside the queue that all share: what is put there, that cluster has to answer."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

PREFIX = "beat@"
LOOKS_EVERY = 2.0
"""Seconds: each look is a question to the database."""


def has_mailboxes() -> bool:
    """Whether the queue of this site is kept in a database: others have no letter boxes."""
    queue = getattr(settings, "Q_CLUSTER", {})
    # Where one of these is set, django-q2 takes it instead.
    return bool(queue.get("orm")) and not any(queue.get(other) for other in ("broker_class", "iron_mq", "sqs"))


def mailbox_of(cluster: str) -> str:
    """The key of a cluster's letter box in the table of the queue."""
    return PREFIX + cluster


def ask_for_beat(cluster: str) -> None:
    """Have a worker of this cluster say that it is alive. What was asked before and not answered is withdrawn."""
    mailbox = mailbox_of(cluster)
    OrmQ.objects.using(Conf.ORM).filter(key=mailbox).delete()
    async_task("aiops.jobs.tasks.say_alive", task_name="heartbeat", save=False, broker=ORM(list_key=mailbox))


def clear(cluster: str) -> None:
    """Nobody will answer any more."""
    OrmQ.objects.using(Conf.ORM).filter(key=mailbox_of(cluster)).delete()


class WithMailbox(ORM):  # type: ignore[misc]
    """django-q2's own broker, which looks into the letter box of its cluster now and then."""

    def __init__(self, mailbox: str) -> None:
        super().__init__()
        self.mailbox = mailbox
        self.looked_at = float("-inf")

    def dequeue(self) -> list[tuple[int, str]] | None:
        """What lies in the letter box, else what is in the queue."""
        if time.monotonic() - self.looked_at >= LOOKS_EVERY:
            self.looked_at = time.monotonic()
            rows: Any = self.get_connection().filter(key=self.mailbox, lock__lte=timezone.now())
            for row in rows[:1]:
                # Taken out at once: that one is lost is harmless, another is asked for soon.
                self.delete(row.pk)
                return [(row.pk, row.payload)]
        taken: list[tuple[int, str]] | None = super().dequeue()
        return taken

"""The inside of `manage.py work`: a cluster of django-q2 that answers its letter box, and ends with who started it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from django.db import connections

from aiops.health.busy import leave_notes
from aiops.health.mailbox import WithMailbox, has_mailboxes, mailbox_of
from aiops.jobs.heartbeat import cluster_name

NOTES_VARIABLE = "AIOPS_CLUSTER_NOTES"
"""In the environment: the folder for notes of workers at work."""

LOOKS_EVERY = 0.5
"""Seconds."""


def run_cluster(parent: int, *, grace: int) -> None:
    """Run a cluster until it is told to end, or the process that started this one is gone.

    Args:
        grace: seconds that it may take to end, where nobody is left to kill it.
    """
    from django_q.cluster import Cluster
    from django_q.conf import Conf

    leave_notes(Path(os.environ[NOTES_VARIABLE]), timeout=Conf.TIMEOUT or 0)
    cluster = Cluster(broker=WithMailbox(mailbox_of(cluster_name())) if has_mailboxes() else None)
    # What is forked with an open connection shares it.
    connections.close_all()
    cluster.start()
    while cluster.sentinel.is_alive():
        if os.getppid() != parent:
            # Whoever takes its place starts a cluster of its own. One that hangs does not end by being asked.
            signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
            signal.alarm(grace)
            cluster.stop()
        time.sleep(LOOKS_EVERY)

"""Forgetting what has expired: part of the tick, and a command."""

from __future__ import annotations

from datetime import datetime

from aiops.files.deletion import Deletions, delete_several
from aiops.files.models import UploadedFile
from aiops.gateway.retry import RetryPolicy

AT_A_TIME = 20
"""Files of one tick: it comes again in a minute."""

QUICKLY = RetryPolicy(attempts=1, deadline=10.0)


def expire(now: datetime, *, most: int = AT_A_TIME) -> Deletions:
    """Delete files whose time is over.

    A provider that was told so has done it already, and says that there is no such file; one that cannot be told does
    it now.

    Raises:
        InTransaction: nothing was sent.
    """
    # In no order: those that cannot be deleted must not stand before the others for ever.
    return delete_several(UploadedFile.objects.expired(now).order_by("?")[:most], QUICKLY)

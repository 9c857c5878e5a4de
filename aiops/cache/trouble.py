"""A database that is locked, restarted or moved over: the cache does without, and no call fails for it."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connections, router

from aiops.cache.models import CachedAnswer

TROUBLE = (DatabaseError, InterfaceError)


def let_go() -> None:
    """Give up a connection that is broken, which it would stay: whoever goes on should not be the one to find out."""
    connection = connections[router.db_for_write(CachedAnswer)]
    # Inside a transaction it is its owner's, who will find out by it.
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()

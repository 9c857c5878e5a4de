"""The state as a row of the default database."""

from __future__ import annotations

import time

from django.db import connection

from aiops.limits.limits import Key
from aiops.limits.models import Pace
from aiops.limits.store.port import Seen

TABLE = Pace._meta.db_table
ROW = "connection = %s AND model = %s"
LOOK = f"SELECT state FROM {TABLE} WHERE {ROW}"  # noqa: S608 - names come from the model, values are bound
# Hosts have clocks of their own, the database has one.
LOOK_AND_TIME = f"SELECT state, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM {TABLE} WHERE {ROW}"  # noqa: S608
MAKE = f"INSERT INTO {TABLE} (connection, model, state) VALUES (%s, %s, '') ON CONFLICT DO NOTHING"  # noqa: S608
SWAP = f"UPDATE {TABLE} SET state = %s WHERE {ROW} AND state = %s"  # noqa: S608
# Waiting for the disk costs a hundred times the statement, and what a power cut takes here is over when power is back.
SWAP_UNSYNCED = (
    f"UPDATE {TABLE} SET state = %s FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced "  # noqa: S608
    f"WHERE {ROW} AND state = %s"
)


class Database:
    """Uses the calling thread's own connection to the database."""

    def read(self, key: Key) -> Seen:
        """The state now; the row is made where there is none.

        Raises:
            DatabaseError, InterfaceError: the database is out of order.
        """
        alias, model = self._row(key)
        with connection.cursor() as cursor:
            for _ in range(2):
                if connection.vendor == "postgresql":
                    cursor.execute(LOOK_AND_TIME, (alias, model))
                    if found := cursor.fetchone():
                        return Seen(text=found[0], now=int(found[1]), store=self)
                else:
                    # One file is on one host.
                    cursor.execute(LOOK, (alias, model))
                    if found := cursor.fetchone():
                        return Seen(text=found[0], now=time.time_ns() // 1000, store=self)
                cursor.execute(MAKE, (alias, model))
        # Another transaction has made the row and is not over.
        return Seen(text="", now=time.time_ns() // 1000, store=self)

    def swap(self, key: Key, old: str, new: str) -> bool:
        """Keep `new` where `old` still holds.

        Raises:
            DatabaseError, InterfaceError: the database is out of order.
        """
        alone = connection.vendor == "postgresql" and not connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute(SWAP_UNSYNCED if alone else SWAP, (new, *self._row(key), old))
            return bool(cursor.rowcount)

    def at_home(self) -> None:
        """Let SQLite not wait for the disk after each change, as PostgreSQL is told with each of them."""
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = NORMAL")

    @staticmethod
    def _row(key: Key) -> Key:
        alias, model = key
        return alias[:64], model[:128]

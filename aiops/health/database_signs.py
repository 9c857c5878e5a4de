"""Facts about the database, the disk below it, and Redis where there is one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext as _

from aiops.health.signs import Level, Sign
from aiops.options import options

WAL_RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last version whose WAL may, rarely, be reset while another process reads it."""

FULL = 0.8
"""Share of the connections beyond which somebody should know."""

SPARE_BYTES = 500 * 1024 * 1024
LEAST_BYTES = 50 * 1024 * 1024
"""Room on the disk of a SQLite database below which somebody should know, and below which nothing may work."""

PATIENCE = 0.5
"""Seconds that Redis has to answer."""


def has_wal_reset_bug() -> bool:
    """Whether the library of SQLite that runs here can, rarely, corrupt a database in WAL mode."""
    first, last = WAL_RESET_BUG
    return first <= sqlite3.sqlite_version_info <= last


def of_database() -> Iterator[Sign]:
    """One question to the database."""
    if connection.vendor == "sqlite":
        yield _of_sqlite()
        yield from _of_disk()
    elif connection.vendor == "postgresql":
        yield _of_postgresql()


def _of_sqlite() -> Sign:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version(), (SELECT journal_mode FROM pragma_journal_mode)")
        version, mode = cursor.fetchone()
    facts = {"vendor": "sqlite", "version": version, "journal_mode": mode}
    said = _("SQLite %(version)s, journal mode %(mode)s.") % {"version": version, "mode": mode}
    level, remedy = Level.OK, ""
    if mode != "wal":
        level, remedy = Level.WARN, _("Set the options of aiops.W002: writers beside a worker lock each other out.")
    elif has_wal_reset_bug():
        level = Level.WARN
        remedy = _("This version can, rarely, corrupt such a database (aiops.W001): use 3.51.3 or newer; keep backups.")
    return Sign(what="database", level=level, said=said, remedy=remedy, facts=facts)


def _of_disk() -> Iterator[Sign]:
    file = Path(str(connection.settings_dict["NAME"]))
    try:
        free = shutil.disk_usage(file.parent).free
    except OSError:
        return
    level = Level.OK if free > SPARE_BYTES else Level.WARN if free > LEAST_BYTES else Level.BAD
    yield Sign(
        what="disk",
        level=level,
        said=_("%s MB are free beside the database.") % f"{free // 1024**2:,}",
        remedy="" if level is Level.OK else _("Make room: without it nothing can be recorded, so nothing is asked."),
        facts={"free_bytes": free},
    )


def _of_postgresql() -> Sign:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('max_connections')::int, "
            "current_setting('idle_in_transaction_session_timeout'), "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        version, most, idle, used = cursor.fetchone()
    remedy = ""
    if used > FULL * most:
        remedy = _("Raise max_connections, or put PgBouncer in between: who comes too late is refused.")
    elif idle == "0":
        remedy = _(
            "Set idle_in_transaction_session_timeout, as to 60s: "
            "a machine that is cut off in the middle of a transaction keeps its locks for ever."
        )
    return Sign(
        what="database",
        level=Level.WARN if remedy else Level.OK,
        said=_("PostgreSQL %(version)s, %(used)s of %(most)s connections.")
        % {"version": version, "used": used, "most": most},
        remedy=remedy,
        facts={
            "vendor": "postgresql",
            "version": version,
            "connections": used,
            "max_connections": most,
            "idle_in_transaction_session_timeout": idle,
        },
    )


def of_redis() -> Iterator[Sign]:
    """Whether it answers, where there is to be one. Nothing depends on it."""
    url = options().redis_url
    if not url:
        return
    try:
        import redis

        with redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
            client.ping()
    except Exception as error:
        # Its own sentence may repeat the address, and the password in it.
        said = _("Redis does not answer: %s.") % type(error).__name__
        remedy = _("See that it runs; until then the database counts limits, which is slower, and nothing is lost.")
        yield Sign(what="redis", level=Level.WARN, said=said, remedy=remedy)
        return
    yield Sign(what="redis", level=Level.OK, said=_("Redis answers."))

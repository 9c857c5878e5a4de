"""Whether the database keeps what it has been told, with several processes writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DEFAULT_DB_ALIAS, router
from django.db.models import Model

from aiops.health.database_signs import has_wal_reset_bug

SQLITE = "django.db.backends.sqlite3"
TUNED = (
    "Set OPTIONS = {'timeout': 20, 'transaction_mode': 'IMMEDIATE', "
    "'init_command': 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'} on the database."
)


def check_sqlite_library(**_: Any) -> list[CheckMessage]:
    """W001: a SQLite whose WAL may be corrupted."""
    if not _uses_sqlite() or not has_wal_reset_bug():
        return []
    return [
        Warning(
            f"SQLite {sqlite3.sqlite_version} can, rarely, corrupt a database in WAL mode that several processes use.",
            hint="Run on a Python with SQLite 3.51.3 or newer, or on PostgreSQL; keep backups.",
            id="aiops.W001",
        )
    ]


def check_databases(**_: Any) -> list[CheckMessage]:
    """W002 and W003: SQLite tuned for several writers, no transaction around whole requests."""
    found: list[CheckMessage] = []
    for alias, database in settings.DATABASES.items():
        if database["ENGINE"] == SQLITE and (missing := _untuned(database.get("OPTIONS", {}))):
            found.append(
                Warning(
                    f"The SQLite database '{alias}' has no {', '.join(missing)}: "
                    "writers beside a worker will fail with 'database is locked'.",
                    hint=TUNED,
                    id="aiops.W002",
                )
            )
        if database.get("ATOMIC_REQUESTS"):
            found.append(
                Warning(
                    f"ATOMIC_REQUESTS is on for the database '{alias}': calls made in a view will be refused.",
                    hint="Switch it off, and put @transaction.atomic on the views that need it. "
                    "The record of a call must be committed before the call leaves.",
                    id="aiops.W003",
                )
            )
    return found


def check_routing(**_: Any) -> list[CheckMessage]:
    """E009: tables in another database than those they are joined with, and written with in one transaction."""
    from django.contrib.auth import get_user_model
    from django.contrib.contenttypes.models import ContentType

    joined: list[type[Model]] = [ContentType, get_user_model()]
    for app in ("aiops", "prompts"):
        joined += apps.get_app_config(app).get_models()
    astray = [model._meta.label for model in joined if router.db_for_write(model) != DEFAULT_DB_ALIAS]
    if not astray:
        return []
    return [
        Error(
            f"A database router sends {', '.join(astray)} elsewhere than to '{DEFAULT_DB_ALIAS}': "
            "a call could leave without its record.",
            hint=f"Leave 'aiops', 'prompts', 'contenttypes' and the users in '{DEFAULT_DB_ALIAS}'.",
            id="aiops.E009",
        )
    ]


def _untuned(options: Mapping[str, Any]) -> list[str]:
    missing = []
    if "journal_mode=wal" not in str(options.get("init_command", "")).lower().replace(" ", ""):
        missing.append("WAL")
    if str(options.get("transaction_mode", "")).upper() not in {"IMMEDIATE", "EXCLUSIVE"}:
        missing.append("IMMEDIATE transactions")
    if float(options.get("timeout", 5)) < 20:
        missing.append("timeout of 20 seconds")
    return missing


def _uses_sqlite() -> bool:
    return any(database["ENGINE"] == SQLITE for database in settings.DATABASES.values())

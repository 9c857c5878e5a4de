"""A short log and a long one beside each other, so that the same page can be asked of both in turn.

Times on a shared machine drift by half within minutes; what was measured in the same breath can be compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SHORT, LONG = "default", "long"

CONNECTIONS = ("default", "azure", "local", "retired")
"""Eight in ten calls, one in ten, those of the versions of its own (one in ten), one in two thousand."""


class Router:
    """Sends everything to the one that is looked at."""

    now = LONG

    def db_for_read(self, model: object, **hints: object) -> str:
        return Router.now

    db_for_write = db_for_read


@contextmanager
def looking_at(alias: str) -> Iterator[None]:
    before, Router.now = Router.now, alias
    try:
        yield
    finally:
        Router.now = before


def set_up(short: str, long: str) -> None:
    """Django, over both databases. Nothing that reads the settings may be imported before."""
    os.environ.update(DATABASE_URL=short, DJANGO_SETTINGS_MODULE="tests.settings")
    import dj_database_url
    import django
    from django.conf import settings

    place = dj_database_url.parse(long)
    settings.DATABASES[LONG] = (
        settings.DATABASES[SHORT] | place | {"OPTIONS": settings.DATABASES[SHORT].get("OPTIONS", {})}
    )
    settings.DATABASE_ROUTERS = ["tests.benchmarks.two_logs.Router"]
    settings.LOGGING_CONFIG = None
    default = settings.AIOPS["CONNECTIONS"]["default"]
    settings.AIOPS["CONNECTIONS"] |= {name: default for name in CONNECTIONS if name != "local"}
    django.setup()

"""Databases that are there as long as they are needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.hammers import ROOT

POSTGRES_URL = os.environ.get("AIOPS_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


@contextmanager
def database(kind: str, name: str = "") -> Iterator[str]:
    """The address of an empty, migrated database.

    Args:
        kind: `sqlite` or `postgres`.
        name: which of several at once.
    """
    with tempfile.TemporaryDirectory() as directory:
        if kind != "postgres":
            url = f"sqlite:///{Path(directory) / 'database.sqlite3'}"
            migrate(url)
            yield url
            return
        import psycopg

        name = f"aiops_benchmark_{os.getpid()}{name and '_'}{name}"
        with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
            try:
                url = urlsplit(POSTGRES_URL)._replace(path=f"/{name}").geturl()
                migrate(url)
                yield url
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(url: str) -> None:
    environ = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)

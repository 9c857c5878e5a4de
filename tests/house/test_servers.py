"""PostgreSQL and Redis by their addresses alone."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import POSTGRES_URL, REDIS_URL

ROOT = Path(__file__).parent.parent.parent


def manage(*arguments, tmp_path, **environ):
    base = {"PATH": os.environ["PATH"], "ENV_FILE": str(tmp_path / "no.env"), "VAR_DIR": str(tmp_path), "DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=base | environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def empty_database():
    """Address of a database of its own."""
    import psycopg

    name = f"aiops_empty_{os.getpid()}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(POSTGRES_URL)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.postgres
def test_the_site_moves_to_postgresql_by_its_address_alone(empty_database, tmp_path):
    manage("migrate", "--verbosity", "0", tmp_path=tmp_path, DATABASE_URL=empty_database)
    told = manage("check", "--database", "default", tmp_path=tmp_path, DATABASE_URL=empty_database)
    assert "no issues" in told
    left = manage("migrate", "--plan", tmp_path=tmp_path, DATABASE_URL=empty_database)
    assert "No planned migration operations." in left
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.redis
def test_processes_share_the_cache_by_the_address_of_redis(tmp_path):
    key = f"aiops-test-{os.getpid()}"
    write = f"from django.core.cache import cache; cache.set('{key}', 'kept', 30)"
    read = f"from django.core.cache import cache; print(cache.get('{key}')); cache.delete('{key}')"
    manage("shell", "-c", write, tmp_path=tmp_path, REDIS_URL=REDIS_URL)
    assert "kept" in manage("shell", "-c", read, tmp_path=tmp_path, REDIS_URL=REDIS_URL)

"""What every test may use: the marks for what a machine may lack, and the stand-in provider."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from functools import cache
from importlib.util import find_spec
from urllib.parse import urlsplit

import hypothesis
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

# The plug-in brings the fixture `provider`.
pytest_plugins = ["aiops.gateway.testing", "tests.shop"]

POSTGRES_URL = os.environ.get("AIOPS_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("AIOPS_TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
REQUIRE_ALL = os.environ.get("AIOPS_TEST_REQUIRE_ALL") == "1"
"""Where everything is meant to be there, a missing part is a failure and no skip."""

# How long one example takes says more about the machine than about the code. Examples that nobody has seen yet are for
# those who can look into what they find, not for whoever waits for a verdict.
hypothesis.settings.register_profile("unhurried", deadline=None, derandomize=REQUIRE_ALL)
hypothesis.settings.load_profile("unhurried")


def _server(url: str) -> str:
    # Without name and password.
    return urlsplit(url).netloc.rpartition("@")[2]


def _postgres() -> bool:
    try:
        import psycopg

        psycopg.connect(POSTGRES_URL, connect_timeout=2).close()
    except Exception:
        return False
    return True


def _redis() -> bool:
    try:
        import redis

        with redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2) as client:
            client.ping()
    except Exception:
        return False
    return True


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PARTS = {
    "postgres": (
        _postgres,
        "PostgreSQL",
        f"start a server, or name one in AIOPS_TEST_POSTGRES_URL (tried {_server(POSTGRES_URL)})",
    ),
    "redis": (_redis, "Redis", f"start a server, or name one in AIOPS_TEST_REDIS_URL (tried {_server(REDIS_URL)})"),
    "browser": (lambda: CHROMIUM is not None, "Chromium", "install the package chromium"),
    "phones": (lambda: find_spec("phonenumbers") is not None, "phonenumbers", 'pip install "django-aiops[phones]"'),
    "presidio": (lambda: find_spec("presidio_analyzer") is not None, "Presidio", 'pip install "django-aiops[privacy]"'),
    "office": (lambda: shutil.which("soffice") is not None, "LibreOffice", "install the package libreoffice-calc"),
}
present = {name: cache(probe) for name, (probe, _, _) in PARTS.items()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="only tests that touch the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if connection.vendor != "sqlite":
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("sqlite")])
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]
    if not config.getoption("--only-database"):
        return
    touching = {"db", "transactional_db", "django_db_setup", "live_server", "admin_client", "admin_user"}
    kept = [
        item
        for item in items
        if any(map(item.get_closest_marker, ("django_db", "each_database")))
        or touching & set(getattr(item, "fixturenames", ()))
    ]
    config.hook.pytest_deselected(items=list(set(items) - set(kept)))
    items[:] = kept


def pytest_configure(config: pytest.Config) -> None:
    # Whatever a shell starts in the background ignores Ctrl-C, and so do its children: tests that press it would wait.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, (_, part, _) in PARTS.items():
        config.addinivalue_line("markers", f"{name}: needs {part}; skipped where there is none")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "sqlite: about what only SQLite does")
    config.addinivalue_line("markers", "each_database: shown on each of them, however slow it is")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, (_, part, remedy) in PARTS.items():
        if item.get_closest_marker(name) and not present[name]():
            if REQUIRE_ALL:
                pytest.fail(f"No {part} here: {remedy}.", pytrace=False)
            item.config.stash.setdefault(SKIPPED, set()).add(name)
            pytest.skip(f"no {part}")


SKIPPED = pytest.StashKey[set[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in sorted(config.stash.get(SKIPPED, set())):
        _, part, remedy = PARTS[name]
        terminalreporter.write_line(f"Skipped what needs {part}. To run it: {remedy}.", yellow=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; for tests marked `browser`."""
    assert CHROMIUM is not None
    return CHROMIUM


@pytest.fixture
def run():
    """`asyncio.run`; the thread in which such loops ask the database is left without a connection."""
    yield asyncio.run

    async def close():
        await sync_to_async(connections.close_all)()

    asyncio.run(close())


@pytest.fixture
def database_url(transactional_db):
    """Address of the database of this test, for other processes."""
    options = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{options['NAME']}"
    user = f"{options['USER']}:{options['PASSWORD']}" if options["PASSWORD"] else options["USER"]
    return f"postgres://{user}@{options['HOST']}:{options['PORT'] or 5432}/{options['NAME']}"


@pytest.fixture
def site_environment(provider, database_url, tmp_path):
    """The shop as a process of its own finds it: the database of this test, and the stand-in for its provider."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(tmp_path),
        "DEBUG": "1",
        "DATABASE_URL": database_url,
        "OPENAI_API_KEY": "stand-in",
        "OPENAI_BASE_URL": provider.base_url,
    }


@pytest.fixture(autouse=True)
def _kept_of_this_test():
    """A process keeps for a while what it has read of prices and past answers; those of the test before are gone."""
    from aiops.execution import past_outputs
    from aiops.ledger import own_prices

    own_prices.forget()
    past_outputs.forget()

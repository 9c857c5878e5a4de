"""The whole product as processes: the site, its workers, a database on disk, a provider on a socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from aiops.gateway.testing import StandIn
from project.demo.workers import workers

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0
"""Seconds for a site to answer for the first time, on a machine that is busy with other things."""


@dataclass(frozen=True)
class Site:
    """A site that answers."""

    url: str
    home: Path
    environment: dict[str, str]
    stand_in: StandIn

    def manage(self, *args: str) -> str:
        """What a command of the site prints."""
        return run(["manage.py", *args], self.environment)

    def log(self, name: str) -> str:
        """What `server` or `cluster` has written so far."""
        return (self.home / f"{name}.log").read_text(errors="replace")


def run(args: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *args],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running_site(home: Path, stand_in: StandIn, *, database_url: str = "") -> Iterator[Site]:
    """A site of its own in `home`, filled and with a worker; all of it gone at the end of the block."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "STAND_IN_URL": stand_in.base_url,
        "ENV_FILE": str(home / "no.env"),
        "VAR_DIR": str(home),
        "DATABASE_URL": database_url or f"sqlite:///{home / 'db.sqlite3'}",
        "DEBUG": "1",
        "SECRET_KEY": "of-the-visited-site-only-" + "0123456789" * 4,
        "QUEUE_WORKERS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    run(["-m", "tests.browser.prepare"], environment)
    with workers(home / "cluster.log", environment), _server(home / "server.log", environment) as url:
        yield Site(url, home, environment, stand_in)


@contextmanager
def _server(log: Path, environment: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(5)
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    # A proxy of the machine has no business between two of its own processes.
    opener = build_opener(ProxyHandler({}))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with suppress(URLError, ConnectionError), opener.open(f"{url}/admin/login/", timeout=10):
            return
        time.sleep(0.1)
    raise AssertionError(f"The site does not answer:\n{log.read_text(errors='replace')}")

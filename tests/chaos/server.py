"""A PostgreSQL server of the chaos's own, which can be restarted under its clients."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.databases import migrate

SERVER_VARIABLE = "CHAOS_POSTGRES"
"""In the environment of one site: where its server has its data."""

SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
"""Its processes die, never the machine: what the kernel was handed is there after a restart, without fsync too."""


class Server:
    """It is there as long as its data are in this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # It refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None

    def make(self, port: int) -> None:
        """Start a new one."""
        if self._user:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in {**SETTINGS, "port": port}.items())
        self._control("start", "-l", str(self.folder / "log"))

    def restart(self, how: str) -> None:
        """Have it end and start again; returns when it answers.

        Args:
            how: `fast` cuts off its clients and writes what it has in memory; `immediate` is a crash.
        """
        self._control("restart", "-m", how, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._control("stop", "-m", "immediate")

    def _control(self, what: str, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.folder / "data"), what, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(binaries() / program), *arguments]
        # What it starts keeps its files open: nobody may wait for their end.
        subprocess.run(command, user=self._user, cwd="/", stdout=subprocess.DEVNULL, check=True)


@contextmanager
def postgres() -> Iterator[tuple[str, Server]]:
    """The address of an empty, migrated database, and its server."""
    with tempfile.TemporaryDirectory(prefix="chaos-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        port = free_port()
        server.make(port)
        try:
            url = f"postgres://postgres@127.0.0.1:{port}/postgres"
            migrate(url)
            yield url, server
        finally:
            server.stop()


def binaries() -> Path:
    """Where the programs of the newest PostgreSQL on this machine are.

    Raises:
        SystemExit: there are none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    if path := shutil.which("initdb"):
        return Path(path).parent
    raise SystemExit("The chaos starts a PostgreSQL server of its own: install the package postgresql.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

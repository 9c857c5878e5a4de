"""`manage.py local_model`: a language model on this very machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from aiops.gateway.connections import ConnectionProblem, get_connection
from aiops.gateway.local_model import process
from aiops.gateway.local_model.errors import LocalModelError
from aiops.gateway.local_model.fetching import SMOLLM2, fetch, model_file
from aiops.gateway.local_model.health import totals
from aiops.management.terminal import TerminalCommand, refusals, whole_number
from aiops.options import options

DEFAULT_PORT = 8077


class Command(TerminalCommand):
    """Parse, do it, say what came of it."""

    help = (
        "Fetch, start and stop a language model on this machine, for the connection 'local'.\n"
        "The model that is fetched (SmolLM2-135M-Instruct, 98 MB) is tiny and often wrong; it needs no key\n"
        "and costs nothing. Any other GGUF file goes in by its path.\n\n"
        "examples:\n"
        "  manage.py local_model fetch\n"
        "  manage.py local_model start\n"
        "  manage.py local_model start --model ~/models/qwen.gguf --slots 4 --port 8090\n"
        "  manage.py local_model status --json\n"
        "  manage.py local_model stop\n"
        "  manage.py local_model run                 in the foreground, until Ctrl-C\n\n"
        "exit codes:\n"
        "  0  done; status: it runs and answers\n"
        "  1  it failed; status: it does not run, or does not answer\n"
        "  2  it cannot be done as asked\n"
        "  3  there is no local model on this machine: xllamacpp is missing or does not run here"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["fetch", "start", "stop", "status", "run"])
        parser.add_argument(
            "--directory", type=Path, help="where the model and the server's state are kept (default: var/models)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        group = parser.add_argument_group("start and run")
        group.add_argument("--model", type=Path, metavar="PATH", help="a GGUF file (default: the one that was fetched)")
        group.add_argument(
            "--port",
            type=whole_number(0, 65535),
            help=f"on 127.0.0.1, 0 for any free one (default: that of the connection 'local', else {DEFAULT_PORT})",
        )
        group.add_argument(
            "--slots",
            type=whole_number(1, 64),
            default=process.SLOTS,
            help="requests answered at a time; the connection's MAX_IN_FLIGHT (default: %(default)s)",
        )
        group.add_argument(
            "--context",
            type=whole_number(256, 1_000_000),
            default=process.CONTEXT,
            help="most tokens of one request, its answer included (default: %(default)s)",
        )
        group.add_argument(
            "--threads", type=whole_number(0, 1024), default=0, help="(default: one less than there are processors)"
        )
        group.add_argument(
            "--wait",
            type=whole_number(0, 3600),
            nargs="?",
            const=60,
            default=60,
            metavar="SECONDS",
            help="how long to wait until it answers; 0 does not wait (default: %(default)s)",
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            with refusals():
                directory: Path = options["directory"] or default_directory()
            getattr(self, f"do_{action}")(directory.expanduser().absolute(), options)
        except LocalModelError as error:
            raise CommandError(str(error), returncode=error.exit_code) from error

    def do_fetch(self, directory: Path, options: dict[str, Any]) -> None:
        path, downloaded = fetch(directory)
        size = path.stat().st_size
        sentence = _("Fetched %s (%d MB, %s).") if downloaded else _("%s is there already (%d MB, %s).")
        self._say(
            options,
            sentence % (path, round(size / 1e6), SMOLLM2.licence),
            {"path": str(path), "bytes": size, "downloaded": downloaded},
        )

    def do_start(self, directory: Path, options: dict[str, Any]) -> None:
        started = process.start(self._command_line(directory, options), directory, wait=options["wait"])
        if started is None:
            self._say(options, _("Starting: ask for its state with `manage.py local_model status`."), {"running": None})
        else:
            self._say(options, self._sentence(started), self._facts(started))

    def do_run(self, directory: Path, options: dict[str, Any]) -> None:
        command = self._command_line(directory, options)
        if there := process.running(directory):
            raise CommandError(_("A local model runs already (process %d): stop it first.") % there.pid, returncode=2)
        directory.mkdir(parents=True, exist_ok=True)
        if os.name != "nt":
            self.stdout.flush()
            # Whoever started this command holds the server itself by it, signals included.
            os.execv(sys.executable, command)  # noqa: S606 - our own file
        code = subprocess.call(command)  # noqa: S603 - our own file
        if code:
            raise process.why_it_ended(code)

    def do_stop(self, directory: Path, options: dict[str, Any]) -> None:
        stopped = process.stop(directory)
        sentence = _("Stopped process %d.") % stopped.pid if stopped else _("No local model runs.")
        self._say(options, sentence, {"stopped": stopped.pid if stopped else None})

    def do_status(self, directory: Path, options: dict[str, Any]) -> None:
        there = process.running(directory)
        if there is None:
            self._say(options, _("No local model runs."), {"running": False, "healthy": False})
        else:
            self._say(options, self._sentence(there), self._facts(there))
        if there is None or not there.healthy:
            sys.exit(1)

    def _command_line(self, directory: Path, options: dict[str, Any]) -> list[str]:
        path, name = model_file(options["model"], directory)
        port = default_port() if options["port"] is None else options["port"]
        how = {option: options[option] for option in ("slots", "context", "threads")}
        return process.command_line(path, name, directory, port=port, **how)

    def _sentence(self, there: process.Running) -> str:
        if not there.healthy:
            return _("Process %d has %s, but does not answer (yet).") % (there.pid, there.model)
        return _("%s answers at %s (process %d, %d slots).") % (there.model, there.base_url, there.pid, there.slots)

    def _facts(self, there: process.Running) -> dict[str, Any]:
        healthy = there.healthy
        facts = asdict(there) | {"running": True, "healthy": healthy, "started_at": there.started_at.isoformat()}
        return facts | asdict(totals(there.base_url)) if healthy else facts

    def _say(self, options: dict[str, Any], sentence: str, facts: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(facts) if options["json"] else sentence)


def default_directory() -> Path:
    """`AIOPS["LOCAL_MODEL_DIR"]`, or the variable LOCAL_MODEL_DIR, or `var/models` of the site."""
    given = options().local_model_dir or os.environ.get("LOCAL_MODEL_DIR")
    return Path(given) if given else Path(getattr(settings, "BASE_DIR", Path.cwd())) / "var" / "models"


def default_port() -> int:
    """The port of the connection 'local', where it is on this machine."""
    try:
        connection = get_connection("local")
    except ConnectionProblem:
        return DEFAULT_PORT
    return (urlsplit(connection.base_url).port if connection.is_local else None) or DEFAULT_PORT

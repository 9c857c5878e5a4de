"""`manage.py sync_models`: bring the catalogue of models up to date."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.catalogue.sync import Synced, sync_models
from aiops.gateway.connections import Connection, connection_options, get_connection
from aiops.management.terminal import FAILED, TerminalCommand, refusals


class Command(TerminalCommand):
    """Parse, ask, say what is new, gone, and about to end."""

    help = (
        "Ask each connection for its models and put them into the catalogue, with what is known of their abilities,\n"
        "prices and ends. It costs nothing. What people wrote there stays; run it as often as you like.\n\n"
        "examples:\n"
        "  manage.py sync_models\n"
        "  manage.py sync_models default azure\n"
        "  manage.py sync_models --dry-run\n"
        "  manage.py sync_models --json\n\n"
        "exit codes:\n"
        "  0  every connection said what it has\n"
        "  1  one of them did not; the others are up to date\n"
        "  2  refused: there is no such connection, or its settings make no sense"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which connections."""
        parser.add_argument("aliases", nargs="*", metavar="alias", help="a connection; without one, all")
        parser.add_argument("--dry-run", action="store_true", help="ask, say what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """A few lines a connection, or one object."""
        dry_run: bool = options["dry_run"]
        with refusals():
            synced = sync_models(_connections(options["aliases"]), now=timezone.now(), dry_run=dry_run)
        if options["json"]:
            self.write_json({"connections": [facts(one) for one in synced], "dry_run": dry_run})
        else:
            self._write(synced, dry_run=dry_run)
        if any(one.problem for one in synced):
            sys.exit(FAILED)

    def _write(self, synced: list[Synced], *, dry_run: bool) -> None:
        for one in synced:
            first, *details = one.sentences()
            # Names come from a server.
            self.write_text(first)
            for detail in details:
                self.write_text(f"  {detail}")
        if dry_run:
            self.stdout.write(_("Nothing was changed (dry run)."))


def _connections(aliases: list[str]) -> list[Connection]:
    return [get_connection(alias) for alias in dict.fromkeys(aliases or connection_options())]


def facts(synced: Synced) -> dict[str, Any]:
    """For machines: days as `2027-01-14`."""
    names = ("model", "ends_on", "in_its_place")
    ending = [
        dict(zip(names, (model, day.isoformat(), successor or None), strict=True))
        for model, day, successor in synced.ending
    ]
    return {**asdict(synced), "ending": ending, "problem": synced.problem or None}

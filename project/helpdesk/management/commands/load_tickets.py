"""`manage.py load_tickets`: fills the help desk."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from aiops.management.terminal import whole_number
from project.helpdesk.loading import UnusableFile, load_tickets


class Command(BaseCommand):
    """Parse, load, say what came of it."""

    help = (
        "Add the tickets of a CSV file (columns subject, text, intent).\n"
        "A text that is there already is not added again.\n\n"
        "examples:\n"
        "  manage.py load_tickets fixtures/tickets.csv\n"
        "  manage.py load_tickets fixtures/tickets.csv --limit 50"
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file, UTF-8")
        parser.add_argument("--limit", type=whole_number(1), metavar="N", help="read only the first N rows")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_tickets(options["file"], limit=options["limit"])
        except UnusableFile as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(loaded.sentence())

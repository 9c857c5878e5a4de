"""`manage.py stop_calls`: nothing is asked of any provider from now on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from aiops.management.stop_lines import as_json, user_named
from aiops.management.terminal import TerminalCommand, refusals
from aiops.stops.switch import stop_all, stopped


class Command(TerminalCommand):
    """Parse, stop, say what holds now."""

    help = (
        "Refuse every new call at once: of the admin, jobs, commands and the shop's own code.\n"
        "Calls that have left come to their end, and are not sent again. Jobs are paused.\n\n"
        "examples:\n"
        "  manage.py stop_calls\n"
        '  manage.py stop_calls --because "The provider answers for somebody else." --user ada\n\n'
        "exit codes:\n"
        "  0  every call is stopped, be it only now or since before\n"
        "  2  refused: nothing was changed"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Why, and who."""
        parser.add_argument("--because", default="", metavar="TEXT", help="why; whoever is refused a call reads it")
        parser.add_argument("--user", default="", metavar="USERNAME", help="who stops them, for the records")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stop, and say so."""
        with refusals():
            before = stopped()
            stop_all(user_named(options["user"]), options["because"])
            now = stopped()
        if options["json"]:
            self.write_json(as_json(now))
        elif before is not None:
            self.write_text(_("Nothing was changed. %(said)s") % {"said": before})
        else:
            self.write_text(str(now))

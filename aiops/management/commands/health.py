"""`manage.py health`: whether workers, queue, jobs, money, connections and database are as they should be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.health.examine import examine
from aiops.health.signs import Examination, Level, Sign
from aiops.management.terminal import FAILED, TerminalCommand, harmless, refused
from aiops.options import InvalidOption

MARKS = {Level.OK: "ok  ", Level.WARN: "warn", Level.BAD: "BAD "}


class Command(TerminalCommand):
    """Look, print, say how bad it is."""

    help = (
        "Whether workers, queue, jobs, connections, money and database are as they should be: a line each, with what\n"
        "to do. Nobody is called: connections are judged by their latest calls (see check_connections).\n\n"
        "examples:\n"
        "  manage.py health\n"
        "  manage.py health --json\n"
        "  manage.py health --strict --quiet\n\n"
        "exit codes:\n"
        "  0  nothing is wrong\n"
        "  1  something is wrong; with --strict also: there is something to know of\n"
        "  2  it could not be found out: such as a database that does not answer"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How much is said, and what counts as wrong."""
        parser.add_argument("--strict", action="store_true", help="what is only to be known of (warn) is wrong, too")
        parser.add_argument("--quiet", action="store_true", help="print only what is not well")
        parser.add_argument("--json", action="store_true", help="print one JSON object; money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything."""
        try:
            found = examine(timezone.now())
        except (DatabaseError, InterfaceError) as error:
            raise refused(_("The database does not answer: %s") % error) from error
        except InvalidOption as error:
            raise refused(error) from error
        if options["json"]:
            self.write_json(as_json(found))
        else:
            for sign in found.signs:
                if sign.level is not Level.OK or not options["quiet"]:
                    self.write_text(_line(sign))
        wrong = (Level.BAD, Level.WARN) if options["strict"] else (Level.BAD,)
        if found.level in wrong:
            raise CommandError(found.sentence(), returncode=FAILED)
        if not options["json"]:
            self.stdout.write(found.sentence())


def _line(sign: Sign) -> str:
    line = f"{MARKS[sign.level]} {harmless(sign.said)}"
    return f"{line}\n     → {harmless(sign.remedy)}" if sign.remedy else line


def as_json(found: Examination) -> dict[str, object]:
    """For monitoring."""
    return {
        "state": str(found.level),
        "signs": [
            {
                "what": sign.what,
                "state": str(sign.level),
                "said": sign.said,
                "remedy": sign.remedy,
                "facts": dict(sign.facts),
            }
            for sign in found.signs
        ],
        "clusters": [
            {"cluster": one.cluster, "host": one.host, "watched": one.watched, "beat_at": one.beat_at.isoformat()}
            for one in found.clusters
        ],
    }

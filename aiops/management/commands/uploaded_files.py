"""`manage.py uploaded_files`: what was uploaded to providers; delete it, and see what is really there."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.files.deletion import delete_several
from aiops.files.errors import FileRefused
from aiops.files.models import UploadedFile
from aiops.files.reconciliation import reconcile
from aiops.gateway.connections import connections, get_connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.retry import RetryPolicy
from aiops.management.file_lines import deletion_facts, facts, found_facts, found_lines, table
from aiops.management.terminal import FAILED, TerminalCommand, harmless, refusals, refused, whole_number

LATEST = 20
"""Files in the table, where nobody says how many."""


class Command(TerminalCommand):
    """Parse, do one thing, say what came of it."""

    help = (
        "What was uploaded to providers, until when and whose.\n\n"
        "examples:\n"
        "  manage.py uploaded_files list\n"
        "  manage.py uploaded_files list --state there --limit 100 --json\n"
        "  manage.py uploaded_files delete 7 8\n"
        "  manage.py uploaded_files reconcile --dry-run\n"
        "  manage.py uploaded_files reconcile --connection default\n"
        "  manage.py uploaded_files expire\n\n"
        "exit codes:\n"
        "  0  done\n"
        "  1  a provider did not do what it was asked; the sentence says which and why\n"
        "  2  refused: nothing was sent"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The action, and what belongs to it."""
        parser.add_argument("action", choices=["list", "delete", "reconcile", "expire"])
        parser.add_argument(
            "files", type=whole_number(1, 2**63 - 1), nargs="*", help="with delete: the numbers of files in the list"
        )
        parser.add_argument("--connection", metavar="ALIAS", help="only files of this connection")
        parser.add_argument("--state", choices=UploadedFile.State.values, help="with list: only these")
        parser.add_argument(
            "--limit",
            type=whole_number(1, 1_000_000),
            help=f"with list: so many, the newest first ({LATEST}); with expire: so many, the oldest first (all)",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """One action."""
        if options["files"] and action != "delete":
            raise refused(_("Numbers of files belong to delete, as in: manage.py uploaded_files delete 7"))
        try:
            with refusals():
                getattr(self, f"do_{action}")(options)
        except FileRefused as error:
            raise refused(error) from error
        except GatewayError as error:
            raise CommandError(harmless(str(error)), returncode=FAILED) from error

    def do_list(self, options: dict[str, Any]) -> None:
        """The newest."""
        files = UploadedFile.objects.select_related("owner")
        for name in ("connection", "state"):
            if options[name]:
                files = files.filter(**{name: options[name]})
        rows = list(files[: options["limit"] or LATEST])
        if options["json"]:
            self.write_json([facts(file) for file in rows])
        elif not rows:
            self.stdout.write(_("There is no such file in the list."))
        for line in [] if options["json"] else table(rows):
            self.stdout.write(harmless(line))

    def do_delete(self, options: dict[str, Any]) -> None:
        """Those that are named."""
        numbers = options["files"]
        if not numbers:
            raise refused(_("Name the files by their numbers, as in: manage.py uploaded_files delete 7"))
        files = {file.pk: file for file in UploadedFile.objects.filter(pk__in=numbers)}
        if missing := [number for number in numbers if number not in files]:
            words = {"number": missing[0]}
            raise refused(_("The list has no file %(number)s: see manage.py uploaded_files list.") % words)
        self._delete(list(files.values()), options)

    def do_expire(self, options: dict[str, Any]) -> None:
        """Those whose time is over, the oldest first."""
        files = UploadedFile.objects.expired(timezone.now()).order_by("expires")
        if options["connection"]:
            files = files.filter(connection=get_connection(options["connection"]).alias)
        self._delete(list(files[: options["limit"]]), options)

    def do_reconcile(self, options: dict[str, Any]) -> None:
        """Each connection, or one."""
        alias = options["connection"]
        chosen = [get_connection(alias)] if alias else list(connections().values())
        used = set(UploadedFile.objects.values_list("connection", flat=True))
        now, found = timezone.now(), []
        for connection in chosen:
            # Where nothing was ever uploaded there is nothing to compare, and perhaps no interface for files.
            if alias or connection.alias in used:
                found.append(reconcile(connection, now=now, dry_run=options["dry_run"]))
        if options["json"]:
            self.write_json([found_facts(one) for one in found])
            return
        for line in [line for one in found for line in found_lines(one)] or [_("Nothing was ever uploaded.")]:
            self.stdout.write(harmless(line))
        if options["dry_run"]:
            self.stdout.write(_("Nothing was changed (dry run)."))

    def _delete(self, files: list[UploadedFile], options: dict[str, Any]) -> None:
        if options["dry_run"]:
            if options["json"]:
                self.write_json([facts(file) for file in files])
                return
            for line in table(files):
                self.stdout.write(harmless(line))
            self.stdout.write(_("Nothing was deleted (dry run)."))
            return
        done = delete_several(files, RetryPolicy())
        if options["json"]:
            self.write_json(deletion_facts(done))
        elif not done.failures:
            self.stdout.write(harmless(done.sentence()))
        if done.failures:
            raise CommandError(harmless(done.sentence()), returncode=FAILED)

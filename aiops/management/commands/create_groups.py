"""`manage.py create_groups`: ready-made groups of permissions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from aiops.management.groups import PermissionsMissing, create_groups
from aiops.management.terminal import TerminalCommand, refused


class Command(TerminalCommand):
    """Parse, create, say what was done."""

    help = (
        "Make the groups AI author, AI author lead, AI runner, AI reviewer and AI payer.\n"
        "Groups that are there keep what they have and get what they lack.\n\n"
        "examples:\n"
        "  manage.py create_groups --dry-run\n"
        "  manage.py create_groups"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One option."""
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a group."""
        try:
            changes = create_groups(dry_run=options["dry_run"])
        except PermissionsMissing as error:
            raise refused(error) from error
        for change in changes:
            self.stdout.write(change.sentence)
        if options["dry_run"]:
            self.stdout.write(_("Nothing was changed (dry run)."))
        elif any(change.new for change in changes):
            self.stdout.write(
                _(
                    "Put people into them in the admin, and give runners the permission to view the models "
                    "whose rows they may run prompts over."
                )
            )

"""`manage.py purge_cache`: take answers out of the cache, so that they are asked for afresh."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.cache.models import CachedAnswer, CachedAnswerQuerySet
from aiops.cache.purging import purge
from aiops.gateway.connections import UnknownConnection, usable_connections
from aiops.management.ages import age
from aiops.management.terminal import TerminalCommand, refusals, refused
from prompts.lookup import find_version
from prompts.models import Prompt


class Command(TerminalCommand):
    """Parse, purge, say how much it was."""

    help = (
        "Take answers out of the cache: all that every option given holds for; without one, all there are.\n"
        "Whoever asks the same again is answered afresh, and pays.\n\n"
        "examples:\n"
        "  manage.py purge_cache --dry-run\n"
        "  manage.py purge_cache --prompt triage-ticket\n"
        "  manage.py purge_cache --prompt triage-ticket@7\n"
        "  manage.py purge_cache --connection azure --older-than 7d\n"
        "  manage.py purge_cache --older-than 12h --json\n\n"
        "exit codes:\n"
        "  0  done, also where there was nothing to do\n"
        "  2  refused: there is no such prompt, version or connection"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What is taken out."""
        parser.add_argument(
            "--prompt",
            metavar="NAME",
            help="answers to this prompt, all versions of it; to one with NAME@7 or NAME@staging",
        )
        parser.add_argument("--connection", metavar="ALIAS", help="answers that came over this connection")
        parser.add_argument(
            "--older-than", type=age, metavar="AGE", help="answers kept for longer than this: 30m, 12h, 7d, 2w"
        )
        parser.add_argument("--dry-run", action="store_true", help="say how much it would be, and do nothing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """One sentence, or one object."""
        dry_run: bool = options["dry_run"]
        with refusals():
            answers = _of_prompt(options["prompt"])
        answers = _of_connection(answers, options["connection"])
        older: timedelta | None = options["older_than"]
        if older is not None:
            answers = answers.filter(created_at__lt=timezone.now() - older)
        purged = purge(answers, dry_run=dry_run)
        if options["json"]:
            self.write_json({"answers": purged.count, "bytes": purged.size, "dry_run": dry_run})
            return
        self.stdout.write(purged.sentence(dry_run=dry_run))
        if dry_run:
            self.stdout.write(_("Nothing was purged (dry run)."))


def _of_prompt(name: str | None) -> CachedAnswerQuerySet:
    answers: CachedAnswerQuerySet = CachedAnswer.objects.all()
    if name is None:
        return answers
    if "@" in name:
        return answers.filter(prompt_version=find_version(name))
    if not Prompt.objects.filter(name=name).exists():
        find_version(name)  # Says that there is none, and which there are.
    return answers.filter(prompt_version__prompt__name=name)


def _of_connection(answers: CachedAnswerQuerySet, alias: str | None) -> CachedAnswerQuerySet:
    if alias is None:
        return answers
    found = answers.filter(connection=alias)
    usable, _wrong = usable_connections()
    # One that is gone from the settings may have left answers behind.
    if alias not in usable and not CachedAnswer.objects.filter(connection=alias).exists():
        raise refused(UnknownConnection(alias, usable))
    return found

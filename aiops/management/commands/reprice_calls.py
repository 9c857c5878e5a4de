"""`manage.py reprice_calls`: what calls cost by the prices that are known now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.execution.repricing import Repricing, reprice
from aiops.management.ages import age
from aiops.management.terminal import TerminalCommand


class Command(TerminalCommand):
    """Parse, reckon, say what changed."""

    help = (
        "Reckon calls anew from the usage that was kept with them, by the prices that are known now: after an own\n"
        "price was given for the past, or the price data was brought up to date.\n"
        "Budgets, and totals of jobs, stay as they were counted.\n\n"
        "examples:\n"
        "  manage.py reprice_calls --since 30d --dry-run\n"
        "  manage.py reprice_calls --since 30d\n"
        "  manage.py reprice_calls --since 30d --until 7d --json\n\n"
        "exit codes:\n"
        "  0  done, also where there was nothing to do"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which calls."""
        parser.add_argument(
            "--since", type=age, required=True, metavar="AGE", help="calls begun within this: 30m, 12h, 7d, 2w"
        )
        parser.add_argument(
            "--until", type=age, metavar="AGE", help="and before that: 12h leaves out the last 12 hours"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and do nothing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, since: timedelta, until: timedelta | None, **options: Any) -> None:
        """A line for each model, and a sentence."""
        now = timezone.now()
        dry_run: bool = options["dry_run"]
        done = reprice(now - since, _end(now, until), dry_run=dry_run)
        if options["json"]:
            self.write_json(_as_json(done, dry_run=dry_run))
            return
        for one in done.models.values():
            self.stdout.write(one.sentence())
        self.stdout.write(_sentence(done))
        if dry_run:
            self.stdout.write(_("Nothing was changed (dry run)."))


def _end(now: datetime, until: timedelta | None) -> datetime:
    return now - until if until is not None else now + timedelta(days=1)


def _sentence(done: Repricing) -> str:
    text = ngettext(
        "%(changed)s of %(n)s call has another cost.", "%(changed)s of %(n)s calls have another cost.", done.looked_at
    )
    text %= {"changed": f"{done.changed:,}", "n": f"{done.looked_at:,}"}
    if not done.left:
        return text
    left = ngettext(
        "%(n)s was left alone: sent several times, or over a connection that is gone.",
        "%(n)s were left alone: sent several times, or over a connection that is gone.",
        done.left,
    )
    return f"{text} {left % {'n': f'{done.left:,}'}}"


def _as_json(done: Repricing, *, dry_run: bool) -> dict[str, Any]:
    return {
        "looked_at": done.looked_at,
        "changed": done.changed,
        "left": done.left,
        "dry_run": dry_run,
        "models": [
            {
                "connection": one.connection,
                "model": one.model,
                "calls": one.calls,
                "before": one.before,
                "after": one.after,
                "were_unknown": one.known,
            }
            for one in done.models.values()
        ],
    }

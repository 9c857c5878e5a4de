"""`manage.py rebuild_spend`: whether what each day came to is what its calls add up to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.calls.rebuild import Rebuilt, WrongDay, rebuild
from aiops.ledger.money import dollars
from aiops.management.ages import age
from aiops.management.terminal import FAILED, TerminalCommand


class Command(TerminalCommand):
    """Parse, add up, say what was wrong."""

    help = (
        "Add up the calls of each day, and set what the day came to (the pages and the report of spend) to that.\n"
        "It is written by the same transactions, so nothing is ever found, unless rows were changed by hand, or the\n"
        "time zone of the site was. Calls may be made meanwhile.\n"
        "Days whose calls were deleted are left alone: those before the oldest call that is kept.\n\n"
        "examples:\n"
        "  manage.py rebuild_spend --check\n"
        "  manage.py rebuild_spend\n"
        "  manage.py rebuild_spend --since 30d --json\n\n"
        "exit codes:\n"
        "  0  spend and calls agree, or do so now\n"
        "  1  with --check: they do not"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether anything is written, and how far back."""
        parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where something is wrong")
        parser.add_argument(
            "--since",
            type=age,
            metavar="AGE",
            help="days within this, even if calls of them were deleted: 12h, 7d, 2w",
        )
        parser.add_argument("--json", action="store_true", help="print JSON; money in nano-dollars")

    def handle(self, *args: Any, check: bool, since: timedelta | None, json: bool, **options: Any) -> None:
        """A line for each day that was wrong, and a sentence."""
        first = timezone.localdate(timezone.now() - since) if since is not None else None
        done = rebuild(since=first, check=check)
        if json:
            self.write_json(
                {
                    "since": done.first.isoformat() if done.first else None,
                    "days": done.days,
                    "wrong": [_as_json(one) for one in done.wrong],
                    "changed": not check,
                }
            )
        else:
            for one in done.wrong:
                self.stdout.write(_line(one))
            self.stdout.write(_sentence(done, check=check))
        if done.wrong and check:
            raise CommandError(
                _("Spend and calls disagree: manage.py rebuild_spend puts that right."), returncode=FAILED
            )


def _line(wrong: WrongDay) -> str:
    return _(
        "%(day)s: %(calls)s calls, %(cost)s; by the log %(by_log)s calls, %(by_log_cost)s; wrong rows: %(rows)s"
    ) % {
        "day": wrong.day.isoformat(),
        "calls": f"{wrong.calls:,}",
        "cost": dollars(wrong.cost),
        "by_log": f"{wrong.by_log_calls:,}",
        "by_log_cost": dollars(wrong.by_log_cost),
        "rows": f"{wrong.rows:,}",
    }


def _sentence(done: Rebuilt, *, check: bool) -> str:
    if not done.wrong:
        text = ngettext("%(n)s day: spend and calls agree.", "%(n)s days: spend and calls agree.", done.days)
        return text % {"n": f"{done.days:,}"}
    words = {"wrong": f"{len(done.wrong):,}", "n": f"{done.days:,}"}
    if check:
        return _("%(wrong)s of %(n)s days wrong. Nothing was changed.") % words
    return _("%(wrong)s of %(n)s days put right.") % words


def _as_json(wrong: WrongDay) -> dict[str, Any]:
    return {
        "day": wrong.day.isoformat(),
        "rows": wrong.rows,
        "calls": wrong.calls,
        "calls_by_log": wrong.by_log_calls,
        "cost": wrong.cost,
        "cost_by_log": wrong.by_log_cost,
    }

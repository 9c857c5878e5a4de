"""`manage.py rebuild_budgets`: whether the counters of budgets are what their holds add up to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.ledger.models import BudgetPeriod
from aiops.ledger.rebuild import Difference, differences, rebuild
from aiops.management.terminal import FAILED, TerminalCommand


class Command(TerminalCommand):
    """Parse, add up, say what was wrong."""

    help = (
        "Add up the holds of every period of every budget, and set its counters to that.\n"
        "They are kept by the same transactions, so nothing is ever found, unless rows were changed by hand.\n"
        "Calls may be made meanwhile.\n\n"
        "examples:\n"
        "  manage.py rebuild_budgets --check\n"
        "  manage.py rebuild_budgets\n"
        "  manage.py rebuild_budgets --check --json\n\n"
        "exit codes:\n"
        "  0  counters and holds agree, or do so now\n"
        "  1  with --check: they do not"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether anything is written."""
        parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where something is wrong")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, check: bool, json: bool, **options: Any) -> None:
        """A line for each difference, and a sentence."""
        found = differences() if check else rebuild()
        periods = BudgetPeriod.objects.count()
        if json:
            self.write_json({"periods": periods, "differences": [_as_json(one) for one in found], "changed": not check})
        else:
            for one in found:
                self.stdout.write(one.sentence())
            self.stdout.write(_sentence(len(found), periods, check=check))
        if found and check:
            raise CommandError(
                _("Counters and holds disagree: manage.py rebuild_budgets puts that right."), returncode=FAILED
            )


def _sentence(wrong: int, periods: int, *, check: bool) -> str:
    if not wrong:
        text = ngettext("%(n)s period: counters and holds agree.", "%(n)s periods: counters and holds agree.", periods)
        return text % {"n": f"{periods:,}"}
    words = {"wrong": f"{wrong:,}", "n": f"{periods:,}"}
    if check:
        return _("%(wrong)s of %(n)s periods wrong. Nothing was changed.") % words
    return _("%(wrong)s of %(n)s periods put right.") % words


def _as_json(found: Difference) -> dict[str, Any]:
    return {
        "budget": str(found.period.budget),
        "subject": found.period.subject,
        "starts_at": found.period.starts_at.isoformat(),
        "held": found.period.held,
        "held_by_holds": found.held,
        "settled": found.period.settled,
        "settled_by_holds": found.settled,
    }

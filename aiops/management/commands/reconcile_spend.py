"""`manage.py reconcile_spend`: our log beside what the provider has billed."""

from __future__ import annotations

import csv
from argparse import ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.errors import REFUSALS
from aiops.execution.reconciliation.compared import CENT, Comparison
from aiops.execution.reconciliation.errors import ReconciliationError
from aiops.execution.reconciliation.reconcile import reconcile
from aiops.gateway.errors import GatewayError
from aiops.ledger.warnings import tell_payers
from aiops.management.days import utc_day
from aiops.management.reconciliation_lines import as_json, csv_rows, sentence, summary, table
from aiops.management.terminal import FAILED, TerminalCommand, dollars_typed, refused


class Command(TerminalCommand):
    """Parse, compare, say by how much they differ."""

    help = (
        "Compare the log with what the provider has billed, by day (of UTC) and model. With files: what OpenAI\n"
        "exports as CSV or answers as JSON, or a CSV with the columns date, model and cost. Without: OpenAI's\n"
        "interface for costs and usage is asked over the connection, which takes an admin key in the environment\n"
        "(OPENAI_ADMIN_KEY). Nothing is changed, and no money is spent.\n\n"
        "examples:\n"
        "  manage.py reconcile_spend\n"
        "  manage.py reconcile_spend --since 2026-11-01 --until 2026-11-30 --limit 2 --tell\n"
        "  manage.py reconcile_spend costs.csv usage.csv --connection azure --same-as luna-eu=gpt-6-luna\n"
        "  manage.py reconcile_spend costs.csv --csv > differences.csv\n\n"
        "exit codes:\n"
        "  0  nothing is off by more than the limit\n"
        "  1  something is\n"
        "  2  refused: a file cannot be read, no key, no such connection, or the provider told no bill"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What is compared, and how strictly."""
        parser.add_argument("files", nargs="*", type=Path, metavar="file", help="exports; they are added up")
        parser.add_argument(
            "--connection",
            action="append",
            metavar="ALIAS",
            help="whose calls are billed there (default); repeatable where several are billed together",
        )
        parser.add_argument("--since", type=utc_day, metavar="DAY", help="the first day: 2026-11-01, or 30d")
        parser.add_argument("--until", type=utc_day, metavar="DAY", help="the last day, included")
        parser.add_argument(
            "--limit", type=_percent, default=Decimal(2), metavar="PERCENT", help="by which they may differ (2)"
        )
        parser.add_argument(
            "--least", type=dollars_typed, default=CENT, metavar="DOLLARS", help="a smaller difference is none (0.01)"
        )
        parser.add_argument(
            "--same-as",
            action="append",
            type=_same,
            default=[],
            metavar="THEIRS=OURS",
            help="the provider's name of a model, and ours; repeatable",
        )
        parser.add_argument(
            "--tell", action="store_true", help="where something is off, tell payers by mail and webhook"
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print one JSON object")
        form.add_argument("--csv", action="store_true", help="print CSV")

    def handle(
        self, *args: Any, files: list[Path], since: date | None, until: date | None, limit: Decimal, **options: Any
    ) -> None:
        """A table, one object, or CSV."""
        try:
            found = reconcile(
                files,
                connections=options["connection"] or ["default"],
                since=since,
                until=until,
                limit=limit,
                least=options["least"],
                same=dict(options["same_as"]),
                now=timezone.now(),
            )
        except (ReconciliationError, GatewayError, *REFUSALS) as error:
            raise refused(error) from error
        self._write(found, as_csv=options["csv"], json=options["json"])
        if not found.off:
            return
        if options["tell"]:
            tell_payers(_("The log and the provider's bill disagree"), sentence(found), summary(found))
        raise CommandError(_("The log and the bill disagree."), returncode=FAILED)

    def _write(self, found: Comparison, *, as_csv: bool, json: bool) -> None:
        if json:
            self.write_json(as_json(found))
        elif as_csv:
            csv.writer(self.stdout, lineterminator="\n").writerows(csv_rows(found))
        else:
            for line in table(found):
                # Names come from a provider, or a file.
                self.write_text(line)


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        percent = Decimal(-1)
    if not percent.is_finite() or not 0 <= percent <= 1000:
        raise ArgumentTypeError(f"{text} is no percentage from 0 to 1000")
    return percent


def _same(text: str) -> tuple[str, str]:
    theirs, sign, ours = text.partition("=")
    if not (sign and theirs.strip() and ours.strip()):
        raise ArgumentTypeError(f"{text} names no two models: write THEIRS=OURS")
    return theirs, ours

"""`manage.py spend_report`: where the money went."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.dashboard.breakdown import BY
from aiops.dashboard.reading import any_calls
from aiops.dashboard.report import Report, report_on, today_of
from aiops.dashboard.stretch import days_up_to, month_up_to
from aiops.dashboard.table import as_json, csv_of, text_table
from aiops.dashboard.words import sentences
from aiops.management.terminal import TerminalCommand, harmless, refused, whole_number


class Command(TerminalCommand):
    """Parse, read, print or send."""

    help = (
        "What was spent in the last days, and by which prompt, model, connection, user, group or job: calls, tokens,\n"
        "failures, time, what kept answers saved, and how much more or less it was than before.\n"
        "It reads what each day came to, never the calls.\n\n"
        "examples:\n"
        "  manage.py spend_report\n"
        "  manage.py spend_report --by model --month\n"
        "  manage.py spend_report --by user --days 7 --json\n"
        "  manage.py spend_report --by job --days 90 --csv > spend.csv\n"
        "  manage.py spend_report --month --mail boss@example.com --mail ada@example.com\n\n"
        "exit codes:\n"
        "  0  said, or sent\n"
        "  2  refused: the mail could not be sent"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """By what, how far back, and where to."""
        parser.add_argument("--by", choices=list(BY), default="prompt", help="what it is broken down by")
        stretch = parser.add_mutually_exclusive_group()
        stretch.add_argument(
            "--days", type=whole_number(1, 366), default=30, metavar="N", help="the last N days, today included: 30"
        )
        stretch.add_argument("--month", action="store_true", help="this month so far")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print JSON; money in nano-dollars")
        shape.add_argument("--csv", action="store_true", help="print CSV; money in dollars")
        parser.add_argument(
            "--mail", action="append", metavar="ADDRESS", help="send it there, with the CSV, instead; repeatable"
        )

    def handle(self, *args: Any, by: str, days: int, month: bool, **options: Any) -> None:
        """Lines, an object, a file, or a mail."""
        now = timezone.now()
        stretch = month_up_to(today_of(now)) if month else days_up_to(days, today_of(now))
        report = report_on(by, stretch, now, most=None)
        if options["mail"]:
            _send(report, options["mail"])
            self.stdout.write(_("Sent to %(addresses)s.") % {"addresses": ", ".join(options["mail"])})
        elif options["json"]:
            self.write_json(as_json(report))
        elif options["csv"]:
            self.stdout.write(csv_of(report), ending="")
        else:
            for line in _lines(report):
                self.stdout.write(harmless(line))


def _lines(report: Report) -> list[str]:
    if not report.total.calls and not report.before.calls:
        return [*sentences(report), _("No calls on these days.") if any_calls() else _("No calls yet.")]
    return [*sentences(report), "", *text_table(report)]


def _send(report: Report, addresses: list[str]) -> None:
    subject, *_more = sentences(report)
    name = f"spend-{report.broken_down.by}-{report.stretch.first}-{report.stretch.last}.csv"
    message = EmailMessage(subject, "\n".join(_lines(report)), None, addresses)
    message.attach(name, csv_of(report), "text/csv")
    try:
        message.send()
    except (OSError, ValueError) as error:
        raise refused(_("The mail could not be sent: %(error)s") % {"error": error}) from error

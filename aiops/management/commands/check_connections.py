"""`manage.py check_connections`: whether each server answers, and can do what the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.gateway.connections import Connection, connections, get_connection
from aiops.health.connections import check_connection
from aiops.health.findings import Finding, Report
from aiops.ledger.money import dollars
from aiops.management.terminal import FAILED, TerminalCommand, refusals
from aiops.templatetags.aiops_format import count


class Command(TerminalCommand):
    """Parse, look at each, print a table."""

    help = (
        "Ask the server of each connection: is it there, does it take the key, has it the model, what can it do.\n"
        "The questions are logged calls under the budget, with the purpose check_connections.\n\n"
        "examples:\n"
        "  manage.py check_connections\n"
        "  manage.py check_connections default spare --json\n"
        "  manage.py check_connections --no-question\n\n"
        "exit codes:\n"
        "  0  all of them work as the settings say\n"
        "  1  one of them does not\n"
        "  2  refused: nothing was asked"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, and how much."""
        parser.add_argument("alias", nargs="*", help="connections (default: all of them)")
        parser.add_argument("--no-question", action="store_true", help="ask no model; costs nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON array; money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at each."""
        reports = []
        with refusals():
            for connection in _chosen(options["alias"]):
                report = check_connection(connection, questions=not options["no_question"])
                reports.append(report)
                if not options["json"]:
                    self.write_text(_table(report))
        if options["json"]:
            self.write_json([_as_json(report) for report in reports])
        ill = [report.connection.alias for report in reports if not report.is_well]
        if ill:
            text = ngettext(
                "%(names)s does not work as the settings say.", "%(names)s do not work as the settings say.", len(ill)
            )
            raise CommandError(text % {"names": ", ".join(ill)}, returncode=FAILED)


def _chosen(aliases: Sequence[str]) -> list[Connection]:
    if aliases:
        return [get_connection(alias) for alias in dict.fromkeys(aliases)]
    return list(connections().values())


def _table(report: Report) -> str:
    lines = [report.heading(), *(_line(finding) for finding in report.findings)]
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    told = [finding.said]
    if finding.ms is not None:
        told.append(_("%s ms") % count(finding.ms))
    if finding.cost:
        told.append(dollars(finding.cost))
    return f"{'!' if finding.wrong else ' '} {finding.what:<12} {' · '.join(told)}"


def _as_json(report: Report) -> dict[str, object]:
    found = report.connection
    return {
        "connection": found.alias,
        "name": found.name,
        "model": found.model,
        "address": found.azure_endpoint or found.base_url,
        "api": found.api,
        "well": report.is_well,
        "findings": [
            {
                "what": finding.what,
                "state": str(finding.state),
                "said": finding.said,
                "wrong": finding.wrong,
                "ms": finding.ms,
                "cost": finding.cost,
            }
            for finding in report.findings
        ],
    }

"""`manage.py find_openai_calls`: where the shop's code calls OpenAI past the central client."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from aiops.compat.finder import Finding, Report, find_openai_calls
from aiops.compat.finder.folders import OURS, cannot_open, shown
from aiops.management.terminal import FAILED, TerminalCommand, harmless, refused


class Command(TerminalCommand):
    """Look, say what stands where and what would take its place; nothing is changed, imported or run."""

    help = (
        "List where code calls OpenAI itself, by the SDK, by HTTP or by a library, each with the line that would take\n"
        "its place. Without paths: the apps of this site. Nothing of the code is imported, run or changed.\n\n"
        "examples:\n"
        "  manage.py find_openai_calls\n"
        "  manage.py find_openai_calls shop/tickets shop/llm.py\n"
        "  manage.py find_openai_calls --exclude tests --exclude 'shop/legacy/*'\n"
        "  manage.py find_openai_calls --json\n"
        "  manage.py find_openai_calls --fail            for a check before code is merged\n\n"
        "exit codes:\n"
        "  0  looked\n"
        "  1  with --fail: something was found, or a file that may hold something could not be read\n"
        "  2  there is no such path"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to look, and what comes of it."""
        parser.add_argument("paths", nargs="*", type=Path, metavar="path", help="a Python file or a folder")
        parser.add_argument(
            "--exclude",
            action="append",
            default=[],
            metavar="PATTERN",
            help="leave out paths, or names in them, that match; repeatable",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--fail", action="store_true", help="end with 1 where something is found")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look and report."""
        paths = options["paths"] or paths_of_apps()
        if not paths:
            raise refused(_("No app of this site lies in its own folder: name the paths to look at."))
        for path in paths:
            try:
                path.lstat()
            except (OSError, ValueError) as error:
                why = cannot_open(error) if isinstance(error, OSError) else str(error)
                raise refused(f"{shown(path)} {why}.") from error
        report = find_openai_calls(paths, exclude=options["exclude"])
        if options["json"]:
            self.write_json(facts(report))
        else:
            self._write(report)
        if options["fail"] and (report.findings or report.unread):
            sys.exit(FAILED)

    def _write(self, report: Report) -> None:
        for finding in report.findings:
            for line in lines_of(finding):
                self.stdout.write(harmless(line))
        for unread in report.unread:
            self.stderr.write(harmless(f"{unread.path} {unread.why}."))
        for line in report.sentences():
            self.stdout.write(line)
        if report.findings:
            self.stdout.write(_("Each pattern before and after: docs/how-to/move-over.md"))


def paths_of_apps() -> list[Path]:
    """The folders of the installed apps that lie in the site's own, none inside another."""
    base = Path(getattr(settings, "BASE_DIR", Path.cwd())).resolve()
    folders = {Path(app.path).resolve() for app in apps.get_app_configs()}
    within = sorted(
        folder
        for folder in folders
        if folder.is_relative_to(base) and folder not in OURS and "site-packages" not in folder.parts
    )
    return [folder for folder in within if not any(other in folder.parents for other in within)]


def lines_of(finding: Finding) -> list[str]:
    """What is printed for one place: where and what, then its replacement and its advice."""
    told = [f"{finding.path}:{finding.line}: {finding.kind.label}: {finding.what}"]
    if finding.replacement:
        told.append(f"    → {finding.replacement}")
    if finding.advice:
        told.append(f"    {finding.advice}")
    return told


def facts(report: Report) -> dict[str, Any]:
    """For machines; paths as in the text."""
    return {
        "files": report.files,
        "calls": len(report.calls),
        "findings": [
            {
                "path": finding.path,
                "line": finding.line,
                "column": finding.column,
                "kind": finding.kind.name,
                "is_call": finding.kind.is_call,
                "what": finding.what,
                "replacement": finding.replacement or None,
                "advice": finding.advice or None,
            }
            for finding in report.findings
        ],
        "unread": [asdict(one) for one in report.unread],
    }

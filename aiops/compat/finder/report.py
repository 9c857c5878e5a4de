"""What came of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.compat.finder.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place in the shop's code."""

    path: str
    line: int
    """From 1."""

    column: int
    """Characters before it in its line, from 0."""

    kind: Kind
    what: str
    """What stands there, in the words of the code; never a key."""

    replacement: str = ""
    """A line of code in its place; `…` where a person must fill in. Empty where no line can be written."""

    advice: str = ""
    """A sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file that could hold something and could not be looked into."""

    path: str
    why: str
    """The end of a sentence that begins with the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found, in the order of paths and lines."""

    findings: Sequence[Finding]
    unread: Sequence[Unread]
    files: int
    """Python files that were looked at."""

    @property
    def calls(self) -> list[Finding]:
        """Those that ask a model or its provider."""
        return [finding for finding in self.findings if finding.kind.is_call]

    @property
    def others(self) -> list[Finding]:
        """Those that stand around such calls."""
        return [finding for finding in self.findings if not finding.kind.is_call]

    def sentences(self) -> list[str]:
        """The summary: one or two lines."""
        calls, others = self.calls, self.others
        if not self.findings:
            text = ngettext(
                "Nothing in %(n)s file calls OpenAI itself.", "Nothing in %(n)s files calls OpenAI itself.", self.files
            )
            return [text % {"n": f"{self.files:,}"}]
        lines = []
        if calls:
            n, files = len(calls), len({finding.path for finding in calls})
            lines.append(
                _("%(calls)s in %(files)s: %(kinds)s")
                % {
                    "calls": ngettext("%(n)s call", "%(n)s calls", n) % {"n": f"{n:,}"},
                    "files": ngettext("%(n)s file", "%(n)s files", files) % {"n": f"{files:,}"},
                    "kinds": _counted(calls),
                }
            )
        if others:
            n = len(others)
            text = ngettext("%(n)s place around them: %(kinds)s", "%(n)s places around them: %(kinds)s", n)
            lines.append(text % {"n": f"{n:,}", "kinds": _counted(others)})
        return lines


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.kind.label for finding in findings)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return ", ".join(f"{n:,} {label}" for label, n in ordered)

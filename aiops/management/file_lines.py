"""Uploaded files in words, for terminals and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.files.deletion import Deletions
from aiops.files.models import UploadedFile
from aiops.files.reconciliation import Reconciled

HEADER = ("file", "state", "size", "expires", "connection", "owner", "name")
NUMBERS = {"file", "size"}
"""Columns that are read from the right."""


def table(files: Iterable[UploadedFile]) -> list[str]:
    """The files in columns, one a line, below a header; nothing where there are none."""
    rows = [HEADER] + [
        (
            str(file.pk),
            str(file.get_state_display()),
            filesizeformat(file.size).replace("\xa0", " "),
            timezone.localtime(file.expires).isoformat(" ", "minutes") if file.expires else "–",
            file.connection,
            file.owner.get_username() if file.owner else "–",
            file.name,
        )
        for file in files
    ]
    if len(rows) == 1:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, widths)).rstrip() for row in rows]


def facts(file: UploadedFile) -> dict[str, Any]:
    """A file for scripts; sizes in bytes, times ISO 8601."""
    return {
        "id": file.pk,
        "connection": file.connection,
        "provider_id": file.provider_id,
        "name": file.name,
        "purpose": file.purpose,
        "size": file.size,
        "sha256": file.sha256,
        "content_type": file.content_type,
        "owner": file.owner.get_username() if file.owner else None,
        "state": file.state,
        "error": file.error,
        "created": _iso(file.created),
        "expires": _iso(file.expires),
        "deleted": _iso(file.deleted),
    }


def deletion_facts(done: Deletions) -> dict[str, Any]:
    """What came of deleting, for scripts."""
    return {"deleted": done.count, "failures": list(done.failures)}


def found_facts(found: Reconciled) -> dict[str, Any]:
    """What was found out, for scripts: numbers of files in the list."""
    return {
        "connection": found.connection,
        "arrived": [file.pk for file in found.arrived],
        "never_arrived": [file.pk for file in found.never_arrived],
        "gone": [file.pk for file in found.gone],
        "unlisted": found.unlisted,
    }


def found_lines(found: Reconciled) -> list[str]:
    """What was found out, and about which files."""
    counts = {
        "connection": found.connection,
        "arrived": len(found.arrived),
        "never": len(found.never_arrived),
        "gone": len(found.gone),
        "unlisted": found.unlisted,
    }
    lines = [
        _("%(connection)s: %(arrived)s found, %(never)s never arrived, %(gone)s gone, %(unlisted)s not in this list")
        % counts
    ]
    for file in found.arrived:
        lines.append(_("  %(id)s %(name)s is there") % {"id": file.pk, "name": file.name})
    for file in found.never_arrived:
        lines.append(_("  %(id)s %(name)s never arrived") % {"id": file.pk, "name": file.name})
    for file in found.gone:
        lines.append(_("  %(id)s %(name)s is gone") % {"id": file.pk, "name": file.name})
    return lines


def _padded(row: Iterable[str], widths: Iterable[int]) -> Iterator[str]:
    for name, cell, width in zip(HEADER, row, widths, strict=True):
        yield cell.rjust(width) if name in NUMBERS else cell.ljust(width)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None

"""Tickets from a CSV file with the columns subject, text and intent."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from project.helpdesk.models import Ticket

COLUMNS = ("subject", "text", "intent")
CHUNK = 500


class UnusableFile(Exception):
    """The file cannot be read as tickets; the message says why. Nothing was loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of loading a file."""

    added: int
    """Tickets that are new."""

    known: int
    """Rows whose text a ticket, or an earlier row, has already."""

    def sentence(self) -> str:
        """The result as people read it."""
        return ngettext(
            "%(added)d ticket added, %(known)d already there.",
            "%(added)d tickets added, %(known)d already there.",
            self.added,
        ) % {"added": self.added, "known": self.known}


def load_tickets(path: Path, *, limit: int | None = None) -> Loaded:
    """Add the tickets of a CSV file that are not there yet, all or none of them.

    Args:
        path: the file, UTF-8, with the columns subject, text and intent.
        limit: how many rows to read; None reads all.

    Raises:
        UnusableFile: the file is missing, not UTF-8, or has other columns or a row that is no ticket.
    """
    added = known = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file, transaction.atomic():
            tickets = islice(_tickets(path, csv.DictReader(file)), limit)
            while chunk := list(islice(tickets, CHUNK)):
                new: dict[str, Ticket] = {}
                for ticket in chunk:
                    new.setdefault(ticket.text, ticket)
                for text in Ticket.objects.same_text(list(new)).values_list("text", flat=True):
                    new.pop(text, None)
                Ticket.objects.bulk_create(new.values())
                added += len(new)
                known += len(chunk) - len(new)
    except OSError as error:
        raise UnusableFile(
            _("%(path)s cannot be read (%(why)s): name a CSV file.") % {"path": path, "why": error.strerror}
        ) from error
    except UnicodeDecodeError as error:
        raise UnusableFile(_("%(path)s is not UTF-8: save it as CSV UTF-8.") % {"path": path}) from error
    except csv.Error as error:
        raise UnusableFile(_("%(path)s is not CSV (%(why)s).") % {"path": path, "why": error}) from error
    return Loaded(added=added, known=known)


def _tickets(path: Path, reader: csv.DictReader[str]) -> Iterator[Ticket]:
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise UnusableFile(
            _("%(path)s has no column %(missing)s: it needs %(columns)s.")
            % {"path": path, "missing": ", ".join(missing), "columns": ", ".join(COLUMNS)}
        )
    for row in reader:
        ticket = Ticket(**{column: (row[column] or "").strip() for column in COLUMNS})
        try:
            ticket.clean_fields()
        except ValidationError as error:
            field, (why, *_others) = next(iter(error.message_dict.items()))
            raise UnusableFile(
                _("%(path)s, line %(line)d, %(field)s: %(why)s Nothing was loaded.")
                % {"path": path, "line": reader.line_num, "field": field, "why": why}
            ) from error
        yield ticket

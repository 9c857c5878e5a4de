"""JSON: a list of objects that all have the same names."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from aiops.jobs.sources.errors import BadRow, EmptySource, WrongFormat
from aiops.jobs.sources.text_table import checked_encoding
from aiops.jobs.sources.upload import Table, Upload
from prompts import strict_json


def read_json(upload: Upload) -> Table:
    """A table of the objects; their values may be nested.

    Raises:
        BadFile: it is no JSON, no list of objects, or an object has other names than the first.
    """
    rows = _parsed(upload)
    if not isinstance(rows, list):
        raise WrongFormat(
            gettext("%(file)s is no list: write the rows as [{…}, {…}], each with the same names.")
            % {"file": upload.name},
            upload.name,
        )
    if not rows:
        raise EmptySource(gettext("%(file)s is an empty list: there is nothing to do.") % {"file": upload.name})
    header: list[str] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise BadRow(
                gettext("%(file)s, row %(row)s is no object: write every row as {“name”: value, …}.")
                % {"file": upload.name, "row": number},
                upload.name,
                number,
            )
        header = header or list(row)
        for name in [*(name for name in header if name not in row), *(name for name in row if name not in header)]:
            raise BadRow(
                gettext(
                    "%(file)s, row %(row)s and the first row do not both have “%(name)s”: "
                    "give every row the same names, with null where there is nothing."
                )
                % {"file": upload.name, "row": number, "name": name},
                upload.name,
                number,
            )
    return Table(header, lambda: ((n, [row[name] for name in header]) for n, row in enumerate(rows, start=1)))


def _parsed(upload: Upload) -> Any:
    text = upload.data.decode(checked_encoding(upload))
    try:
        return strict_json.loads(text)
    except RecursionError as error:
        raise WrongFormat(
            gettext("%(file)s is nested too deep to be read: flatten its rows.") % {"file": upload.name}, upload.name
        ) from error
    except ValueError as error:
        raise WrongFormat(
            gettext("%(file)s is no JSON that can be read: %(why)s.") % {"file": upload.name, "why": error}, upload.name
        ) from error

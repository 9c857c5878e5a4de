"""Names of columns as names of variables: `Ticket text` is `{{ ticket_text }}`."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence

from django.utils.translation import gettext

from aiops.gateway.plain_text import storable
from aiops.jobs.sources.errors import BadColumns

LONGEST = 100
"""Characters of a column's name; what is longer is surely a value."""

# What Jinja reads as its own: `{{ not }}` is no variable.
_RESERVED = {"and", "or", "not", "if", "else", "elif", "for", "in", "is", "as", "import", "include", "block", "set"}
_RESERVED |= {"true", "false", "none", "self", "loop"}


def variable_name(column: str) -> str:
    """The variable of a column: in small letters, what is no letter or digit made one `_`; empty if nothing is left.

    A name that begins with a digit gets `column_` in front, and one of the template language's own words `_` behind.
    """
    name = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", column).lower()).strip("_")
    if name and not name.isidentifier():
        name = f"column_{name}"
    return f"{name}_" if name in _RESERVED else name


def named_columns(header: Sequence[object], file: str) -> dict[str, str]:
    """Variable → column of `file`, in their order.

    Raises:
        BadColumns: a column has no name, or one that another has too, or what stands there is no name.
    """
    names: dict[str, str] = {}
    for position, cell in enumerate(header, start=1):
        column = storable(str(cell if cell is not None else "")).strip()
        if not column:
            raise BadColumns(
                gettext("%(file)s: column %(position)s has no name: name it in the first row, or take the column out.")
                % {"file": file, "position": position},
                file,
            )
        name = variable_name(column)
        if len(column) > LONGEST or isinstance(cell, int | float | dt.date | dt.time) or _is_number(column):
            raise BadColumns(
                gettext("%(file)s: “%(column)s” is no name of a column: the first row must hold the names.")
                % {"file": file, "column": _short(column)},
                file,
            )
        if not name.isidentifier():
            raise BadColumns(
                gettext("%(file)s: the column “%(column)s” has no letter or digit in its name: give it another.")
                % {"file": file, "column": column},
                file,
            )
        if names.get(name) == column:
            raise BadColumns(
                gettext("%(file)s has two columns named “%(column)s”: rename one of them.")
                % {"file": file, "column": column},
                file,
            )
        if name in names:
            raise BadColumns(
                gettext(
                    "%(file)s: the columns “%(one)s” and “%(other)s” are both {{ %(name)s }} in a prompt: "
                    "rename one of them."
                )
                % {"file": file, "one": names[name], "other": column, "name": name},
                file,
            )
        names[name] = column
    return names


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[\d.,\s]*\d[\d.,\s]*%?", text) is not None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"

"""Text of models and customers as cells of a spreadsheet: nothing in it may run, break the file, or get lost."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from aiops.gateway.plain_text import storable

LONGEST = 32_767
"""UTF-16 units that Excel keeps in a cell."""

# A spreadsheet skips what is not seen before it looks for a formula; Asian ones take the wide signs too.
_UNSEEN = r"\s\x00-\x1f\u00ad\u200b-\u200f\u2060\ufeff"
_FORMULA = re.compile(rf"[\t\r]|[{_UNSEEN}]*[=+\-@＝＋－＠]")

# Where a reader begins a cell that takes ; or a tab for the separator, as Excel does in half of Europe: within a
# line it sees no quotes. Lists and smileys begin with + and - far oftener than formulas do, so these two count only
# before what could call or reach out. The whole run is matched, formula or not: that keeps it linear.
_CELL_WITHIN = re.compile(
    rf"([;\t\r\n][\"{_UNSEEN}]*+)([=@＝＠]|[+\-＋－](?=[^;\t\r\n(|!]*+[(|!]))?",
)

# What XML 1.0 cannot hold: one such character, and Excel calls the whole workbook broken.
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class TooLongForExcel(ValueError):
    """A cell, or the whole table, is more than a workbook can hold. `str(error)` is one sentence for people."""


def safe_text(text: str) -> str:
    """`text` with `'` in front where a spreadsheet would take it for a formula."""
    text = storable(text)
    return f"'{text}" if _FORMULA.match(text) else text


def csv_text(text: str) -> str:
    """`text` as a cell of a CSV: no formula, whichever separator the reader believes in."""
    return _CELL_WITHIN.sub(lambda found: f"{found[1]}'{found[2]}" if found[2] else found[0], safe_text(text))


def excel_text(text: str, *, row: int, column: str) -> str:
    """`text` as a cell of a workbook: no formula, control characters as U+FFFD.

    Args:
        row: its row in the sheet, from 1.
        column: its column's name.

    Raises:
        TooLongForExcel: it would be cut.
    """
    text = _NO_XML.sub("\ufffd", safe_text(text))
    # Excel reads _x0041_ as the letter A.
    text = _LOOKS_ESCAPED.sub("_x005F_", text)
    length = len(text) if len(text) <= LONGEST // 2 else len(text.encode("utf-16-le")) // 2
    if length > LONGEST:
        raise TooLongForExcel(
            gettext(
                "Row %(row)s has %(length)s characters in the column “%(column)s”, and Excel keeps %(longest)s: "
                "take the results as CSV or JSON."
            )
            % {"row": row, "length": f"{length:,}", "column": column, "longest": f"{LONGEST:,}"}
        )
    return text

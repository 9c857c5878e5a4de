"""Files of tickets: what a customer wrote never becomes a formula in somebody's spreadsheet."""

from __future__ import annotations

from typing import Any

from import_export.formats.base_formats import CSV, JSON, XLSX
from tablib import Dataset

from aiops.jobs.results.cells import excel_text, safe_text


class SafeCSV(CSV):  # type: ignore[misc]
    """CSV with `'` before whatever a spreadsheet would take for a formula. JSON has every text as it is."""

    def export_data(self, dataset: Dataset, **kwargs: Any) -> Any:
        """The table as text."""
        return super().export_data(
            Dataset(*([safe_text(str(cell)) for cell in row] for row in dataset), headers=dataset.headers), **kwargs
        )


class SafeXLSX(XLSX):  # type: ignore[misc]
    """A workbook, with formulas disarmed as in CSV and nothing cut.

    Raises:
        TooLongForExcel: a text is longer than a cell can be; the admin says the sentence.
    """

    def export_data(self, dataset: Dataset, **kwargs: Any) -> Any:
        """The table as a workbook."""
        names = dataset.headers
        rows = (
            [excel_text(str(cell), row=number, column=name) for name, cell in zip(names, row, strict=True)]
            for number, row in enumerate(dataset, start=2)
        )
        return super().export_data(Dataset(*rows, headers=names), **kwargs)


FORMATS = (SafeCSV, SafeXLSX, JSON)

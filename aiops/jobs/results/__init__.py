"""What a job found out, as a file."""

from aiops.jobs.results.cells import TooLongForExcel
from aiops.jobs.results.rows import Columns, ResultRow
from aiops.jobs.results.writing import Format, iter_csv, iter_json, write_results

__all__ = ["Columns", "Format", "ResultRow", "TooLongForExcel", "iter_csv", "iter_json", "write_results"]

"""Where the rows of a job come from."""

from aiops.jobs.sources.errors import BadFile, BadSelection, EmptySource, MissingVariables, SourceError, UnreadableRow
from aiops.jobs.sources.rows_by_key import PickedSource, keys_there
from aiops.jobs.sources.rows_of_file import FileSource
from aiops.jobs.sources.rows_of_model import Among, ModelSource, model_source
from aiops.jobs.sources.source import Source, SourceRow, check_rows, check_variables
from aiops.jobs.sources.upload import Limits

__all__ = [
    "Among",
    "BadFile",
    "BadSelection",
    "EmptySource",
    "FileSource",
    "Limits",
    "MissingVariables",
    "ModelSource",
    "PickedSource",
    "Source",
    "SourceError",
    "SourceRow",
    "UnreadableRow",
    "check_rows",
    "check_variables",
    "keys_there",
    "model_source",
]

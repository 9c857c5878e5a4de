"""What is to be read of a source that somebody has just given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from typing import Any

from aiops.jobs.again import ItemSource
from aiops.jobs.sources import FileSource, ModelSource, PickedSource, Source
from aiops.jobs.sources.first_rows import FirstRows
from aiops.jobs.unread.files import UnreadFile
from aiops.jobs.unread.items import UnreadItems
from aiops.jobs.unread.keys import UnreadKeys, packed
from aiops.jobs.unread.unread import OnlyHere, Unread


def unread_of(source: Source) -> Unread:
    """All of a source. Of a model the keys are read now.

    Whatever is derived from a source that is known may read other rows, or read them otherwise: it is the shop's own.
    """
    return KNOWN.get(type(source), OnlyHere)(source)


def _unread_of_model(source: ModelSource) -> Unread:
    if not source.is_found_by_key:
        return OnlyHere(source)
    keys = source.keys()
    first = list(islice(keys, 1))
    to_key = source.model._meta.pk.to_python
    if any(to_key(str(key)) != key for key in first):
        # A key of the shop's own kind that its text does not lead back to.
        return OnlyHere(source)
    parts = packed(chain(first, keys))
    return UnreadKeys(source, lambda number: parts[number] if number < len(parts) else None)


KNOWN: dict[type, Callable[[Any], Unread]] = {
    ModelSource: _unread_of_model,
    PickedSource: _unread_of_model,
    FileSource: UnreadFile,
    FirstRows: UnreadFile,
    ItemSource: UnreadItems,
}

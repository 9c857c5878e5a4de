"""Results as a table: a row for each item, and the columns it is spread over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

Cell = str | int | float | Decimal | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """How one item ended."""

    position: int
    key: str | None
    """Primary key of the row; None where it came from a file."""

    status: str
    variables: Mapping[str, Any]
    """What the row gave."""

    data: Any = None
    """The answer, where it has a schema; None without one, or where the item failed."""

    text: str = ""
    error_kind: str = ""
    error_text: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: Decimal | None = None
    """Dollars; None is unknown."""


BEFORE = ("row", "key")
AFTER = ("status", "error_kind", "error", "tokens_in", "tokens_out", "cost")
ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands in which column."""

    variables: Sequence[str]
    properties: Sequence[tuple[str, ...]]
    """Paths into the answer, of one or two names."""

    whole: bool
    """Whether the answer stands in a column of its own too, because properties do not say all of it."""

    @classmethod
    def of(cls, variables: Iterable[str], schema: Mapping[str, Any] | None) -> Self:
        """A column for each variable, and for each property that `schema` promises, those of inner objects included.

        Lists, and objects that may hold more than they say, stand in one column as JSON.
        """
        properties: list[tuple[str, ...]] = []
        for name, inner in _properties(schema or {}).items():
            inner = _resolved(inner, schema or {})
            deeper = _properties(inner) if _closed(inner) else {}
            properties += [(name, below) for below in deeper] or [(name,)]
        return cls(tuple(variables), tuple(properties), not _closed(schema or {}))

    def header(self) -> list[str]:
        """Names of the columns, no two alike: an answer's `text` beside a variable `text` is `answer.text`."""
        taken = {*BEFORE, *AFTER, ANSWER}
        named = [_free(name, "input", taken) for name in self.variables]
        named += [_free(".".join(path), ANSWER, taken) for path in self.properties]
        return [*BEFORE, *named, *([ANSWER] if self.whole else []), *AFTER]

    def cells(self, row: ResultRow) -> list[Cell]:
        """The row, one cell for each name of the header; empty is None."""
        cells = [row.position, row.key, *(_cell(row.variables.get(name)) for name in self.variables)]
        cells += [_cell(_at(row.data, path)) for path in self.properties]
        if self.whole:
            cells.append(row.text or _cell(row.data))
        return [
            *cells,
            row.status,
            row.error_kind or None,
            row.error_text or None,
            row.tokens_in,
            row.tokens_out,
            row.cost,
        ]


def _free(name: str, prefix: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{prefix}.{name}"
    taken.add(name)
    return name


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _closed(schema: Mapping[str, Any]) -> bool:
    return bool(_properties(schema)) and schema.get("additionalProperties") is False


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema`, or what it refers to inside `root`."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    if isinstance(reference, str) and reference.startswith("#/"):
        schema = root
        for step in reference[2:].split("/"):
            schema = schema.get(step) if isinstance(schema, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def _at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _cell(value: Any) -> Cell:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str | int | float | Decimal | None) else str(value)

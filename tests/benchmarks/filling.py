"""Many rows written by the database itself: a row for each number, its columns reckoned from that number in SQL."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from typing import Any

from django.db import connections, models, router

from tests.hammers import ROOT

AT_ONCE = 50_000
TEXTS = 500

SPAN = 1_000_003
PRIMES = (48_271, 69_621, 16_807, 39_373, 30_269, 62_089)

NOTHING: Mapping[str, str] = {}


def database() -> Any:
    """The connection to the one that is written."""
    return connections[router.db_for_write(models.Model)]


def draw(number: int) -> str:
    """SQL for a number from 0 to 9,999: spread evenly, the same in each run, and knowing nothing of the others."""
    return f"((n * {PRIMES[number]} + {number}) % {SPAN} % 10000)"


def case(*arms: tuple[str, str], other: str) -> str:
    return f"CASE {' '.join(f'WHEN {when} THEN {then}' for when, then in arms)} ELSE {other} END"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def moment(seconds: str) -> str:
    """SQL for a moment, of seconds since 1970."""
    if database().vendor == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')"
    return f"to_timestamp({seconds})"


def call_id(ms: str) -> str:
    """SQL for a UUID of version 7: of that millisecond, and the number of the row instead of chance."""
    if database().vendor == "sqlite":
        return f"printf('%012x70008%015x', {ms}, n)"
    return f"lpad(to_hex({ms}), 12, '0') || '70008' || lpad(to_hex(n), 15, '0')"


def insert(
    model: type[models.Model],
    first: int,
    last: int,
    columns: Mapping[str, str],
    *,
    drawn: Mapping[str, str] = NOTHING,
    where: str = "TRUE",
) -> None:
    """Add a row for each number from `first` to `last`.

    Args:
        columns: attribute of the model → SQL over the number `n`, a text of customers `words` (as JSON), and what was
            `drawn`. The other columns get their defaults.
        drawn: name → SQL over `n`.
        where: SQL; which of the numbers.
    """
    connection = database()
    quote = connection.ops.quote_name
    given: dict[models.Field[Any, Any], str] = {}
    for one in model._meta.concrete_fields:
        if one.attname in columns:
            given[one] = columns[one.attname]
        elif not one.null and not isinstance(one, models.AutoField | models.BigAutoField):
            given[one] = literal(one)
    values = [as_column(one, sql) for one, sql in given.items()]
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(quote(str(one.column)) for one in given)}) "
        "WITH RECURSIVE series(n) AS (SELECT CAST(:first AS bigint) UNION ALL SELECT n + 1 FROM series WHERE n < :last)"
        f" SELECT {', '.join(values)} FROM (SELECT n{''.join(f', {sql} AS {name}' for name, sql in drawn.items())}"
        f" FROM series) AS drawn JOIN benchmark_text ON t = n % {TEXTS} WHERE {where}"
    )
    with connection.cursor() as cursor:
        for start in range(first, last + 1, AT_ONCE):
            end = min(last, start + AT_ONCE - 1)
            cursor.execute(statement.replace(":first", str(start)).replace(":last", str(end)))


def as_column(one: models.Field[Any, Any], sql: str) -> str:
    return sql if database().vendor == "sqlite" else f"CAST({sql} AS {one.db_type(database())})"


def literal(one: models.Field[Any, Any]) -> str:
    """SQL for a field's default."""
    value = one.get_default()
    if isinstance(value, dict | list):
        return quoted(json.dumps(value))
    if isinstance(value, bool):
        return str(value).upper()
    return str(value) if isinstance(value, int) else quoted("" if value is None else str(value))


def keep_texts() -> None:
    """Real questions of customers, several to a text: nothing that a database could press to nothing."""
    with (ROOT / "fixtures" / "tickets.csv").open(encoding="utf-8", newline="") as file:
        tickets = [row["text"] for row in csv.DictReader(file)]
    texts = []
    for number in range(TEXTS):
        text, place = "", number
        while len(text) < 1300:
            text += tickets[place % len(tickets)] + " "
            place += 7 + number % 5
        texts.append((number, json.dumps(text)))
    with database().cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE benchmark_text (t integer PRIMARY KEY, words text NOT NULL)")
        cursor.executemany("INSERT INTO benchmark_text VALUES (%s, %s)", texts)

"""Many rows in one statement, without an instance for each: a third of the cost of the ORM's `bulk_…` methods."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def update_rows(
    model: type[models.Model],
    rows: Mapping[Any, Mapping[str, Any]],
    *,
    guard: Mapping[str, Any] | None = None,
) -> int:
    """Set fields of many rows by primary key, each to values of its own, in one prepared statement.

    Args:
        model: whose table.
        rows: primary key → {field name: value}; every row sets the same fields.
        guard: field name → value that a row must still have to be changed.

    Returns:
        How many rows were changed.
    """
    if not rows:
        return 0
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    meta = model._meta
    guard = guard or {}
    names = list(next(iter(rows.values())))
    fields = [_field(model, name) for name in names]
    guards = [(_field(model, name), value) for name, value in guard.items()]
    pk = _field(model, "pk")
    where = " AND ".join(f"{quote(_column(field))} = %s" for field in [pk, *(field for field, _ in guards)])
    sql = (
        f"UPDATE {quote(meta.db_table)} SET "  # noqa: S608 - names come from the model, values are bound
        f"{', '.join(f'{quote(_column(field))} = %s' for field in fields)} WHERE {where}"
    )
    tail = [field.get_db_prep_save(value, connection) for field, value in guards]
    parameters: Sequence[list[Any]] = [
        [
            *(_prepared(field, values[name], connection) for field, name in zip(fields, names, strict=True)),
            pk.get_db_prep_save(key, connection),
            *tail,
        ]
        for key, values in rows.items()
    ]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        cursor.executemany(sql, parameters)
        return int(cursor.rowcount)


def lock_rows(
    model: type[models.Model], keys: Collection[Any], names: Sequence[str], *, guard: Mapping[str, Any]
) -> dict[Any, dict[str, Any]]:
    """Rows by primary key that still have the values of `guard`, locked until the transaction is over.

    Args:
        names: fields (`user_id`, not `user`) that are read.

    Returns:
        Primary key → {field name: value}.
    """
    if not keys:
        return {}
    connection = connections[router.db_for_write(model)]
    select, readers = _reading(model, ("pk", *names), connection.alias)
    guards = [(_field(model, name), value) for name, value in guard.items()]
    where = "".join(f" AND {connection.ops.quote_name(_column(field))} = %s" for field, _ in guards)
    pk = _field(model, "pk")
    parameters = [pk.get_db_prep_value(key, connection) for key in keys]
    parameters += [field.get_db_prep_save(value, connection) for field, value in guards]
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{select} IN ({', '.join(['%s'] * len(keys))}){where}{lock}", parameters)
        found = cursor.fetchall()
    rows = ([read(value) for read, value in zip(readers, row, strict=True)] for row in found)
    return {key: dict(zip(names, values, strict=True)) for key, *values in rows}


@lru_cache(maxsize=64)
def _reading(model: type[models.Model], names: tuple[str, ...], alias: str) -> tuple[str, list[Callable[[Any], Any]]]:
    """A statement up to the names of rows, and for each field what makes its value of that of the database."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    fields = [_field(model, name) for name in names]
    columns = [quote(_column(field)) for field in fields]
    select = f"SELECT {', '.join(columns)} FROM {quote(model._meta.db_table)} WHERE {columns[0]}"  # noqa: S608 - as above
    return select, [_reader(field, connection) for field in fields]


def _reader(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    column = field.get_col(field.model._meta.db_table)
    converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]

    def read(value: Any) -> Any:
        for convert in converters:
            value = convert(value, column, connection)
        return value

    return read


def insert_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, in one prepared statement. `save()` is not called and no signal is sent.

    Args:
        rows: field name (`user_id`, not `user`) → value; every row names the same fields, the others get their default.
    """
    _insert(model, rows)


def put_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, unique: str) -> None:
    """As `insert_rows`; but a row that is there with the same value of the field `unique` becomes the new one.

    It keeps its primary key. Where several writers may put the same rows, give them in the order of that field: each
    waits for a row that another holds, and in different orders they would wait for one another.
    """
    _insert(model, rows, unique=unique)


def add_rows(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, unique: Sequence[str]) -> None:
    """As `insert_rows`; but to a row that is there with the same values of the fields `unique` the others are added.

    Fields that no row names are left to the database's own default, or as they are. Give rows that several writers may
    want in one order, as for `put_rows`.

    Args:
        unique: fields of a constraint; every other field that is named is a number.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    sql, fields = _adding(model, tuple(rows[0]), tuple(unique), connection.alias)
    parameters = [
        [_prepared(field, value, connection) for field, value in zip(fields, row.values(), strict=True)] for row in rows
    ]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


@lru_cache(maxsize=256)
def _adding(
    model: type[models.Model], names: tuple[str, ...], unique: tuple[str, ...], alias: str
) -> tuple[str, list[models.Field[Any, Any]]]:
    """Statement and fields of `add_rows`: with each call that ends it is one of a few."""
    quote = connections[alias].ops.quote_name
    table = quote(model._meta.db_table)
    fields = [_field(model, name) for name in names]
    columns = [quote(_column(field)) for field in fields]
    added = [column for column, field in zip(columns, fields, strict=True) if field.attname not in unique]
    sql = (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names come from the model, values are bound
        f"VALUES ({', '.join(['%s'] * len(columns))}) "
        f"ON CONFLICT ({', '.join(quote(_column(_field(model, name))) for name in unique)}) DO UPDATE SET "
        f"{', '.join(f'{column} = {table}.{column} + excluded.{column}' for column in added)}"
    )
    return sql, fields


def _insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, unique: str = "") -> None:
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    given = rows[0].keys()
    fields = [
        field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    defaults = {
        field.attname: field.get_db_prep_save(field.get_default(), connection)
        for field in fields
        if field.attname not in given
    }
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} "  # noqa: S608 - names come from the model, values are bound
        f"({', '.join(quote(_column(field)) for field in fields)}) VALUES ({', '.join(['%s'] * len(fields))})"
    )
    if unique:
        sets = ", ".join(f"{quote(_column(field))} = excluded.{quote(_column(field))}" for field in fields)
        sql += f" ON CONFLICT ({quote(_column(_field(model, unique)))}) DO UPDATE SET {sets}"
    parameters = [
        [
            _prepared(field, row[field.attname], connection) if field.attname in given else defaults[field.attname]
            for field in fields
        ]
        for row in rows
    ]
    with transaction.atomic(using=connection.alias, savepoint=False), connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


def _prepared(field: models.Field[Any, Any], value: Any, connection: BaseDatabaseWrapper) -> Any:
    """The value as the database takes it. Most are that already, and asking each field is half of the whole cost."""
    if type(value) in _AS_THEY_ARE and type(field) in _TAKE_THEM_SO:
        return value
    return field.get_db_prep_save(value, connection)


_AS_THEY_ARE = (int, str, type(None))
_TAKE_THEM_SO = (
    models.BigIntegerField,
    models.CharField,
    models.ForeignKey,
    models.IntegerField,
    models.PositiveIntegerField,
    models.PositiveSmallIntegerField,
    models.TextField,
)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise TypeError(f"{model.__name__}.{name} is no column")
    return field


def _column(field: models.Field[Any, Any]) -> str:
    return str(field.column)

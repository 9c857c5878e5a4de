"""Whether calls may be made, and how those of each connection ended of late. Nobody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.calls.remedies import remedy
from aiops.gateway.connections import Connection, usable_connections
from aiops.health.ages import age, long
from aiops.health.signs import Level, Sign
from aiops.stops.switch import stopped

LATEST = 20
"""Calls of each connection that are looked at."""

ENOUGH = 3
"""Failures in a row after which it is no chance."""

RECENT = timedelta(hours=1)
"""What was before says nothing about now."""

ILL = frozenset(
    {"unreachable", "server_fault", "interrupted", "rate_limited", "quota_exhausted", "bad_key", "malformed"}
)
"""Kinds of error that are the connection's, not the question's."""


def of_switch() -> Sign:
    """Whether every call is stopped."""
    refusal = stopped()
    if refusal is None:
        return Sign(what="switch", level=Level.OK, said=_("Calls may be made."))
    undo = _("Once it is settled: manage.py resume_calls, or the page of stops.")
    return Sign(what="switch", level=Level.WARN, said=str(refusal), remedy=undo, page="aiops_stop_changelist")


def of_connections(now: datetime) -> Iterator[Sign]:
    """What the settings and the log say about each."""
    usable, wrong = usable_connections()
    for sentence in wrong:
        yield Sign(what="connections", level=Level.BAD, said=sentence, remedy=_("Correct it in the settings."))
    ended = _latest(list(usable))
    for connection in usable.values():
        yield _of_connection(connection, [one for one in ended if one.connection == connection.alias], now)


def _of_connection(connection: Connection, ended: Sequence[Call], now: datetime) -> Sign:
    what, words = f"connection:{connection.alias}", {"label": connection.label}
    page = f"aiops_call_changelist?connection={connection.alias}"
    if connection.needs_key:
        said = _("%(label)s: it has no key.") % words
        return Sign(what=what, level=Level.WARN, said=said, remedy=connection.key_remedy, page=page)
    recent = [one for one in ended if one.started_at > now - RECENT]
    failed = list(takewhile(lambda one: one.error_kind in ILL, recent))
    facts = {"recent": len(recent), "failed_in_a_row": len(failed)}
    if len(failed) >= ENOUGH:
        kind = failed[0].error_kind
        said = _("%(label)s: the last %(n)s calls failed, the latest for “%(kind)s”.") % {
            **words,
            "n": f"{len(failed)}+" if len(failed) == LATEST else len(failed),
            "kind": kind,
        }
        todo = _("%(remedy)s Ask it: manage.py check_connections %(alias)s")
        told = todo % {"remedy": remedy(kind), "alias": connection.alias}
        return Sign(what=what, level=Level.BAD, said=said, remedy=told, facts=facts | {"kind": kind}, page=page)
    answered = next((one.started_at for one in ended if one.status == Call.Status.SUCCEEDED), None)
    said = (
        _("%(label)s: it answered %(long)s ago.") % {**words, "long": long(age(answered, now))}
        if answered
        else _("%(label)s: nothing is known of late.") % words
    )
    return Sign(what=what, level=Level.OK, said=said, facts=facts, page=page)


def _latest(aliases: Sequence[str]) -> list[Call]:
    """The latest calls of each connection that have ended, newest first: a short walk along an index for each."""
    parts: list[str] = []
    values: list[Any] = []
    for alias in aliases:
        ended = Call.objects.filter(connection=alias).exclude(status=Call.Status.SENDING).order_by("-pk")
        sql, given = ended.values_list("pk")[:LATEST].query.sql_with_params()
        # SQLite takes no LIMIT in a part of a union, but one around it.
        parts.append(f"SELECT * FROM ({sql}) AS latest_{len(parts)}")  # noqa: S608 - Django's own statement
        values += given
    if not parts:
        return []
    with database.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        keys = [UUID(str(key)) for (key,) in cursor.fetchall()]
    rows = Call.objects.filter(pk__in=keys).only("connection", "status", "error_kind", "started_at")
    return list(rows.order_by("-pk"))

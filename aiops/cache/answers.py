"""Looking answers up, and keeping them. Both for many at once: a job asks for a window of them by one query."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, router, transaction

from aiops.cache.errors import InvalidLifetime
from aiops.cache.models import CachedAnswer
from aiops.cache.packed import FORM, pack, unpack
from aiops.cache.uses import note_uses
from aiops.gateway.completion import Completion
from aiops.rows import put_rows

logger = logging.getLogger(__name__)

LONGEST = 10 * 365 * 24 * 3600
"""Seconds that an answer may be kept."""

OVERHEAD = 640
"""Bytes that a row takes beside its answer: the other columns, and six entries in indexes."""

NOT_WHOLE = frozenset({"", "length", "content_filter"})
"""Ends of an answer that is an error, whatever is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedCompletion:
    """An answer that need not be paid for again."""

    completion: Completion

    cost: int | None
    """Nano-dollars that it saves; None where nobody knows."""

    call_id: UUID
    """The call that paid for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnswer:
    """An answer that may be kept. Whoever gives it says that it is good: that it satisfies its schema, for one."""

    key: str
    """Of `key_of`."""

    completion: Completion

    connection: str
    """Alias of the one that was asked."""

    model: str
    """The one that was asked for."""

    cost: int | None
    """Nano-dollars; None where nobody knows."""

    call_id: UUID

    prompt_version_id: int | None = None
    """None where no version asked."""

    @property
    def cached(self) -> CachedCompletion:
        """What others who ask the same are given."""
        return CachedCompletion(completion=self.completion, cost=self.cost, call_id=self.call_id)


def look_up(keys: Collection[str], *, now: datetime) -> dict[str, CachedCompletion]:
    """Answers that are kept and have not expired, by key. One query; nothing is written, but see `note_uses`.

    Args:
        keys: some thousand at most.
    """
    if not keys:
        return {}
    rows = CachedAnswer.objects.with_keys(keys)
    found = {}
    for key, form, expires_at, body, cost, call_id in rows.values_list(
        "key", "form", "expires_at", "body", "cost", "call_id"
    ):
        completion = unpack(body) if form == FORM and expires_at > now else None
        if completion is not None:
            found[key] = CachedCompletion(completion=completion, cost=cost, call_id=call_id)
    note_uses(found, now=now)
    return found


def keep(answers: Iterable[NewAnswer], *, ttl: int, now: datetime) -> set[str]:
    """Keep answers for `ttl` seconds, in one statement. One that is there under the same key is replaced.

    What is not whole, or too large, is left out. A database in trouble is told to the log and nobody else: an answer
    that is not kept costs what it cost anyway. Do it after the money is settled, not in the same transaction.

    Returns:
        The keys of those that are kept now.

    Raises:
        InvalidLifetime: nothing can be kept for so long, or so short.
    """
    if not 0 < ttl <= LONGEST:
        raise InvalidLifetime(ttl, LONGEST)
    expires_at = now + timedelta(seconds=ttl)
    bodies = {answer.key: (answer, body) for answer in answers if (body := _body(answer.completion)) is not None}
    rows = [_row(*bodies[key], now, expires_at) for key in sorted(bodies)]
    if not rows:
        return set()
    try:
        with transaction.atomic(using=router.db_for_write(CachedAnswer)):
            put_rows(CachedAnswer, rows, unique="key")
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s answers are not kept: %s", len(rows), error)
        return set()
    return set(bodies)


def _body(completion: Completion) -> bytes | None:
    """The bytes to keep; None where it must not, or cannot, be kept."""
    if completion.finish_reason in NOT_WHOLE or completion.refusal:
        return None
    try:
        return pack(completion)
    except (ValueError, TypeError, RecursionError):
        return None


def _row(answer: NewAnswer, body: bytes, now: datetime, expires_at: datetime) -> dict[str, Any]:
    return {
        "key": answer.key,
        "prompt_version_id": answer.prompt_version_id,
        "connection": answer.connection,
        "model": answer.model,
        "form": FORM,
        "body": body,
        "size": len(body) + OVERHEAD,
        "cost": answer.cost,
        "call_id": answer.call_id,
        "hits": 0,
        "created_at": now,
        "expires_at": expires_at,
        "last_used_at": now,
    }

"""What calls that were made would cost by the prices that are known now, and writing that into the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call, CallQuerySet
from aiops.calls.recording import change_costs
from aiops.durable import durable
from aiops.execution.parameters import DEARER
from aiops.gateway.connections import Connection, usable_connections
from aiops.gateway.usage import Usage
from aiops.ledger.batch_prices import batch_price_of
from aiops.ledger.money import dollars
from aiops.ledger.prices import BATCH, FREE, Price, is_listed, price_of

AT_ONCE = 500
"""Calls of one transaction: workers write meanwhile."""

BUCKETS = tuple(Usage.__dataclass_fields__)


@dataclass(slots=True, kw_only=True)
class Repriced:
    """What came of it for one model. Nano-dollars."""

    connection: str
    model: str
    calls: int = 0
    """That cost something else by now."""

    before: int = 0
    after: int = 0
    known: int = 0
    """Of them, those whose cost nobody knew."""

    def sentence(self) -> str:
        """For people."""
        text = ngettext(
            "%(model)s over %(connection)s: %(n)s call, %(before)s → %(after)s, %(difference)s",
            "%(model)s over %(connection)s: %(n)s calls, %(before)s → %(after)s, %(difference)s",
            self.calls,
        ) % {
            "model": self.model,
            "connection": self.connection,
            "n": f"{self.calls:,}",
            "before": dollars(self.before),
            "after": dollars(self.after),
            "difference": f"{'+' if self.after >= self.before else ''}{dollars(self.after - self.before)}",
        }
        return f"{text} {_('(%(n)s were unknown)') % {'n': f'{self.known:,}'}}" if self.known else text


@dataclass(slots=True)
class Repricing:
    """What came of it."""

    looked_at: int = 0
    left: int = 0
    """Calls that were sent several times, or over a connection that is gone: nobody can say more about them."""

    models: dict[tuple[str, str], Repriced] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(one.calls for one in self.models.values())

    def add(self, call: Call, cost: int) -> None:
        """Count a call that costs something else."""
        key = (call.connection_answered or call.connection, call.model_answered or call.model_asked)
        one = self.models.setdefault(key, Repriced(connection=key[0], model=key[1]))
        one.calls += 1
        one.before += call.cost or 0
        one.after += cost
        one.known += call.cost is None


def reprice(since: datetime, until: datetime, *, dry_run: bool = False) -> Repricing:
    """Reckon calls anew from the usage that was kept with them. Budgets, and totals of jobs, stay as they were counted.

    Args:
        since: when the first of them began.
        until: when the last of them had begun.
        dry_run: write nothing.
    """
    found = Repricing()
    connections, _wrong = usable_connections()
    for calls in _chunks(Call.objects.filter(pk__gte=first_id_at(since), pk__lt=first_id_at(until))):
        changes: dict[UUID, tuple[int, Mapping[str, Any]]] = {}
        for call in calls:
            found.looked_at += 1
            connection = connections.get(call.connection_answered or call.connection)
            if connection is None or call.attempts:
                found.left += 1
                continue
            price = _price(call, connection)
            cost = price.cost(_usage(call), call.total_ms) if price else None
            if price is None or cost is None or cost == call.cost:
                continue
            found.add(call, cost)
            changes[call.pk] = (cost, price.as_json)
        if changes and not dry_run:
            with durable():
                change_costs(changes)
    return found


def _chunks(calls: CallQuerySet) -> Iterator[list[Call]]:
    """By key, so that a log of any length is walked in pieces."""
    counted = calls.filter(reused_from=None).exclude(operation=Call.Operation.MODERATION).order_by("pk")
    counted = counted.filter(Q(output_tokens__isnull=False) | Q(total_ms__isnull=False)).defer(
        "messages", "output", "data", "usage", "error_text"
    )
    last = None
    while chunk := list((counted.filter(pk__gt=last) if last else counted)[:AT_ONCE]):
        yield chunk
        last = chunk[-1].pk


def _usage(call: Call) -> Usage | None:
    if call.output_tokens is None:
        return None
    return Usage(**{name: getattr(call, name) or 0 for name in BUCKETS})


def _price(call: Call, connection: Connection) -> Price | None:
    """The price that holds for a call by now; None where it stays as it is."""
    model = call.model_answered or call.model_asked
    tier = (call.price or {}).get("tier", "" if call.batch_id is None else BATCH)
    if tier == BATCH:
        price = batch_price_of(connection, model, call.started_at)
    else:
        price = price_of(connection, model, call.started_at, tier=tier)
    if price is None or (price is FREE and call.cost == 0):
        return None
    if call.price is None and (
        not price.is_own or DEARER & set(call.parameters) or is_listed(connection, model, call.started_at)
    ):
        # What it asked for, or the tier that it was answered in, had no price, though its model had one.
        return None
    return price

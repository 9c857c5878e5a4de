"""Asking servers what models they have, and putting that on the cards. What people wrote stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.catalogue.known import known_of
from aiops.catalogue.models import ModelCard
from aiops.gateway.connections import Connection, ConnectionProblem
from aiops.gateway.errors import GatewayError
from aiops.gateway.model_ends import NOTICE
from aiops.gateway.model_list import ListedModel, list_models


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a server said, and what that changed, or would."""

    alias: str
    listed: int = 0
    """Models that it has."""

    new: tuple[str, ...] = ()
    """Those that had no card."""

    gone: tuple[str, ...] = ()
    """Those that it had last time, and has no more."""

    back: tuple[str, ...] = ()
    """Those that were gone."""

    ending: tuple[tuple[str, date, str], ...] = ()
    """Model, day, successor of those that are there and end soon, or should have ended."""

    problem: str = ""
    """Why nothing is known of it, in a sentence; its cards are as they were."""

    def sentences(self) -> list[str]:
        """The same for people; the first names the connection."""
        if self.problem:
            return [f"{self.alias}: {self.problem}"]
        counts = [ngettext("%(n)s model", "%(n)s models", self.listed) % {"n": f"{self.listed:,}"}]
        for names, word in ((self.new, _("%(n)s new")), (self.gone, _("%(n)s gone")), (self.back, _("%(n)s back"))):
            counts += [word % {"n": f"{len(names):,}"}] if names else []
        return [f"{self.alias}: {', '.join(counts)}", *self._details()]

    def _details(self) -> list[str]:
        told = []
        for names, text in ((self.new, _("new: %s")), (self.gone, _("gone: %s")), (self.back, _("back: %s"))):
            told += [text % ", ".join(names)] if names else []
        for model, day, successor in self.ending:
            words = {"model": model, "day": day.isoformat(), "successor": successor}
            told.append(
                _("%(model)s ends on %(day)s; in its place: %(successor)s") % words
                if successor
                else _("%(model)s ends on %(day)s") % words
            )
        return told


def sync_models(connections: Iterable[Connection], *, now: datetime, dry_run: bool = False) -> list[Synced]:
    """Ask each connection for its models and bring the cards up to date. Costs nothing, and is no call in the log.

    Args:
        dry_run: say what would change, and change nothing.
    """
    return [_sync(connection, now, dry_run=dry_run) for connection in connections]


def _sync(connection: Connection, now: datetime, *, dry_run: bool) -> Synced:
    try:
        listed = list_models(connection)
    except (ConnectionProblem, GatewayError) as error:
        return Synced(alias=connection.alias, problem=str(error))
    if not listed:
        # A server that is starting, or a key without rights; it would make every card say that its model is gone.
        return Synced(alias=connection.alias, problem=_("The server lists no model at all; nothing was changed."))
    with transaction.atomic():
        cards = {card.model: card for card in ModelCard.objects.filter(connection=connection.alias)}
        synced = _compared(connection, {model.name: model for model in listed}, cards, now)
        if not dry_run:
            _write(connection, {model.name: model for model in listed}, cards, now)
    return synced


def _compared(
    connection: Connection, listed: Mapping[str, ListedModel], cards: Mapping[str, ModelCard], now: datetime
) -> Synced:
    ending = []
    soon = timezone.localdate(now) + NOTICE
    for name, model in listed.items():
        known = known_of(connection, name, shut_down=model.shut_down, now=now)
        if known.ends_on is not None and known.ends_on <= soon:
            ending.append((name, known.ends_on, known.successor))
    missing = [card for name, card in cards.items() if name not in listed]
    return Synced(
        alias=connection.alias,
        listed=len(listed),
        new=tuple(name for name in listed if name not in cards),
        gone=tuple(sorted(card.model for card in missing if card.last_seen_at and not card.gone_at)),
        back=tuple(name for name in listed if name in cards and cards[name].gone_at),
        ending=tuple(ending),
    )


def _write(
    connection: Connection, listed: Mapping[str, ListedModel], cards: Mapping[str, ModelCard], now: datetime
) -> None:
    fresh: list[ModelCard] = []
    changed: list[ModelCard] = []
    untitled: list[ModelCard] = []
    for name in {**listed, **dict.fromkeys([connection.model, *cards])}:
        card = cards.get(name) or ModelCard(connection=connection.alias, model=name)
        seen = listed.get(name)
        known = known_of(connection, name, shut_down=seen.shut_down if seen else card.ends_on, now=now)
        _fill(card, known.as_fields())
        if not card.title:
            card.title = known.title
            untitled.append(card)
        if seen is not None:
            _fill(card, {"first_seen_at": card.first_seen_at or now, "last_seen_at": now, "gone_at": None})
        elif card.last_seen_at and not card.gone_at:
            card.gone_at = now
        (changed if card.pk else fresh).append(card)
    ModelCard.objects.bulk_create(fresh)
    ModelCard.objects.bulk_update(changed, FACTS, batch_size=100)
    for card in untitled:
        # Somebody may have written one meanwhile.
        if card.title and card.pk:
            ModelCard.objects.filter(pk=card.pk, title="").update(title=card.title)


FACTS = (
    "description",
    "abilities",
    "context_limit",
    "output_limit",
    "priced",
    "ends_on",
    "successor",
    "first_seen_at",
    "last_seen_at",
    "gone_at",
)
"""What is written each time, beside a title where there is none."""


def _fill(card: ModelCard, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(card, name, value)

"""The models that a form offers to a person: those they may use, favourites first, ended ones marked."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.catalogue.models import ModelCard
from aiops.gateway.connections import usable_connections
from aiops.gateway.model_abilities import Ability

MOST = 500
"""Models offered: a server may have thousands, and a browser is to show them."""


def model_choices(user: Any, *, ability: Ability = Ability.TEXT) -> list[tuple[str, str]]:
    """Model and what is said of it, over all connections of the settings; each model once. One query.

    Args:
        user: who chooses.
        ability: what it must be able to do; models of which nobody knows what they can are offered too.
    """
    today = timezone.localdate()
    usable, _wrong = usable_connections()
    cards = ModelCard.objects.filter(connection__in=usable).usable_by(user).with_opinions(user)
    found: dict[str, list[ModelCard]] = {}
    listed: Any = cards
    for card in listed.order_by("-favourite", "model", "connection").defer("description", "note")[: 4 * MOST]:
        if not card.can_do or ability in card.can_do:
            found.setdefault(card.model, []).append(card)
    # Of several, what can still be asked somewhere is not over.
    there = {model for model, cards in found.items() if not all(card.is_over(today) for card in cards)}
    models = sorted(found, key=lambda model: (model not in there, not _is_favourite(found[model])))
    return [(model, _said(found[model], over=model not in there)) for model in models[:MOST]]


def _is_favourite(cards: list[Any]) -> bool:
    return any(card.favourite for card in cards)


def _said(cards: list[Any], *, over: bool) -> str:
    """`★ GPT-6 Luna (default, azure)`"""
    title = cards[0].title or cards[0].model
    aliases = ", ".join(card.connection for card in cards)
    star = "★ " if _is_favourite(cards) else ""
    ends = min((card.ends_on for card in cards if card.ends_on), default=None)
    if over:
        return _("%(star)s%(title)s (%(aliases)s): ended") % {"star": star, "title": title, "aliases": aliases}
    if ends is not None:
        words = {"star": star, "title": title, "aliases": aliases, "day": ends.isoformat()}
        return _("%(star)s%(title)s (%(aliases)s): ends on %(day)s") % words
    return f"{star}{title} ({aliases})"

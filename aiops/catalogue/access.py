"""Who may use a model: one look, kept in memory, for calls of models that everybody may use.

The memory only ever says that there is nothing to ask: whoever is refused is refused by what the database says now.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from aiops.catalogue.errors import ModelRestricted
from aiops.catalogue.models import ModelCard, cards_of

LASTS = 10.0
"""Seconds until a process learns what another has changed. Its own changes it knows at once."""


@dataclass(frozen=True, slots=True)
class _Look:
    restricted: frozenset[tuple[str, str]]
    at: float


_look: _Look | None = None


def require_usable(model: str, connection: str, user_id: Any) -> None:
    """See that a user may use a model.

    Args:
        connection: alias.
        user_id: None where no user of the site asks, but the shop's own code: it may use all.

    Raises:
        ModelRestricted: it is for groups that the user is not in.
    """
    if not is_usable(model, connection, user_id):
        raise ModelRestricted(model, connection)


def is_usable(model: str, connection: str, user_id: Any) -> bool:
    """Whether a user may use a model. No query where everybody may."""
    if user_id is None or (connection, model) not in _restricted():
        return True
    card = ModelCard.objects.restricted().filter(connection=connection, model=model).first()
    if card is None:
        return True
    user: Any = get_user_model()._default_manager.filter(pk=user_id).first()
    if user is None:
        return False
    return bool(getattr(user, "is_superuser", False)) or cards_of(user).filter(modelcard_id=card.pk).exists()


def first_refused(asked: Iterable[tuple[str, str, Any]]) -> tuple[int, ModelRestricted] | None:
    """The first of several (model, connection, user) that may not be, and why; each is looked at once."""
    known: dict[tuple[str, str, Any], bool] = {}
    for index, one in enumerate(asked):
        if one not in known:
            known[one] = is_usable(*one)
        if not known[one]:
            return index, ModelRestricted(one[0], one[1])
    return None


def _restricted() -> frozenset[tuple[str, str]]:
    global _look
    look = _look
    if look is None or time.monotonic() - look.at > LASTS:
        at = time.monotonic()
        pairs = ModelCard.objects.restricted().order_by().values_list("connection", "model")
        _look = look = _Look(frozenset(pairs), at)
    return look.restricted


def forget() -> None:
    """Look again before the next call."""
    global _look
    _look = None


def _changed(**_: Any) -> None:
    forget()
    # Somebody may look between now and the commit.
    transaction.on_commit(forget)


def _groups_changed(instance: Any, action: str, **_: Any) -> None:
    if action in ("post_add", "post_remove", "post_clear") and isinstance(instance, ModelCard):
        instance.restricted = instance.groups.exists()
        ModelCard.objects.filter(pk=instance.pk).update(restricted=instance.restricted)
        _changed()


for _signal in (post_save, post_delete):
    _signal.connect(_changed, sender=ModelCard, dispatch_uid="aiops.catalogue.access")
m2m_changed.connect(_groups_changed, sender=ModelCard.groups.through, dispatch_uid="aiops.catalogue.access")

"""Moderation: what `moderate` asks, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from aiops.client.chats import texts_of
from aiops.client.errors import raise_for
from aiops.client.vectors import usual
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import ModerationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation:
    """What the provider finds in one text."""

    flagged: bool
    """Whether it breaks the provider's rules."""

    categories: tuple[str, ...]
    """Which of them, such as `violence`."""

    scores: Mapping[str, float]
    """Category → between 0 and 1."""


def prepare_moderation(default: str, texts: Any, options: Mapping[str, Any]) -> Prepared:
    """The call behind `moderate`.

    Raises:
        ValueError: there is nothing to look at.
    """
    found, model = usual("moderation", default, options)
    return prepare_request(
        ModerationRequest(connection=found.connection.alias, model=model, inputs=texts_of(texts, "to look at")),
        found.about(),
        retry=found.policy,
        now=timezone.now(),
    )


def moderations_in(outcome: Outcome, texts: Any) -> Moderation | list[Moderation]:
    """One for each text; by itself where one text was given by itself.

    Raises:
        OpenAIClientError: there are none.
    """
    completion = raise_for(outcome).end.completion
    found = [_moderation(one) for one in (completion.result if completion else ())]
    return found[0] if isinstance(texts, str) else found


def _moderation(told: Mapping[str, Any]) -> Moderation:
    return Moderation(
        flagged=told["flagged"],
        categories=tuple(sorted(name for name, hit in (told.get("categories") or {}).items() if hit)),
        scores={name: score for name, score in (told.get("category_scores") or {}).items() if score is not None},
    )

"""Which model is asked where nobody names one, and a word in the log about one that ends."""

from __future__ import annotations

import logging
from datetime import date
from functools import cache

from aiops.gateway.connections import Connection
from aiops.gateway.model_ends import End, end_of

logger = logging.getLogger(__name__)

MODELS = {
    "embedding": ("text-embedding-3-small",),
    "transcription": ("gpt-transcribe", "gpt-4o-mini-transcribe"),
    "speech": ("gpt-4o-mini-tts", "tts-1"),
    "moderation": ("omni-moderation-latest",),
    "decision": ("gpt-6-luna",),
}
"""Operation → OpenAI's models for it, the better first."""


def default_model(operation: str, connection: Connection, *, today: date) -> str:
    """The model for an operation where the caller names none.

    Raises:
        ValueError: every model known for it has ended.
    """
    if connection.provider not in ("openai", "azure") or connection.azure_deployment:
        # A server of its own has its own models, and a deployment is of one model, whatever is asked for.
        return connection.model
    ends = {model: end_of(connection, model) for model in MODELS[operation]}
    alive = [model for model, end in ends.items() if end is None or not end.is_over(today)]
    if not alive:
        raise ValueError(
            f"OpenAI has ended every model for {operation} that is known here: name one (model=…), "
            "or another connection."
        )
    return alive[0]


def mind_the_end(model: str, connection: Connection, *, today: date) -> None:
    """Warn in the log, once a process, of a model that is about to end or has."""
    end = end_of(connection, model)
    if end is not None and end.is_near(today):
        _warn(model, end, ended=end.day is None or today >= end.day)


@cache
def _warn(model: str, end: End, *, ended: bool) -> None:
    instead = f"; {end.successor} is named in its place" if end.successor else ""
    if end.day is None:
        logger.warning("The model %s has ended%s.", model, instead)
    else:
        logger.warning("The model %s %s on %s%s.", model, "ended" if ended else "ends", end.day.isoformat(), instead)

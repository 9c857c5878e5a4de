"""Which model is asked where nobody names one, and until when it is there.

End dates as OpenAI has announced them (the SDK's `types/shared/chat_model.py` and its deprecation page, November 2026).
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import cache

from aiops.gateway.connections import Connection

logger = logging.getLogger(__name__)

MODELS = {
    "embedding": ("text-embedding-3-small",),
    "transcription": ("gpt-transcribe", "gpt-4o-mini-transcribe"),
    "speech": ("gpt-4o-mini-tts", "tts-1"),
    "moderation": ("omni-moderation-latest",),
    "decision": ("gpt-6-luna",),
}
"""Operation → OpenAI's models for it, the better first."""

ENDS = {
    "gpt-5": (date(2026, 12, 11), "gpt-6-luna"),
    "gpt-5-mini": (date(2026, 12, 11), "gpt-6-luna"),
    "gpt-5-nano": (date(2026, 12, 11), "gpt-6-luna"),
    "o3": (date(2026, 12, 11), "gpt-6-luna"),
    "gpt-4o-mini-tts": (date(2027, 1, 6), ""),
    "tts-1": (date(2027, 1, 6), ""),
    "tts-1-hd": (date(2027, 1, 6), ""),
    "gpt-4o": (date(2027, 1, 14), "gpt-6-luna"),
    "gpt-4o-mini": (date(2027, 1, 14), "gpt-6-luna"),
    "gpt-4.1": (date(2027, 1, 14), "gpt-6-luna"),
    "gpt-4.1-mini": (date(2027, 1, 14), "gpt-6-luna"),
    "whisper-1": (date(2027, 2, 26), "gpt-transcribe"),
    "gpt-4o-transcribe": (date(2027, 2, 26), "gpt-transcribe"),
    "gpt-4o-mini-transcribe": (date(2027, 2, 26), "gpt-transcribe"),
    "gpt-5.1": (date(2027, 4, 1), ""),
    "gpt-5.4-nano": (date(2027, 4, 1), ""),
}
"""Model → the first day on which it is gone, and what OpenAI names in its place."""

NOTICE = timedelta(days=60)
"""How long before its end a model in use is warned of."""


def default_model(operation: str, connection: Connection, *, today: date) -> str:
    """The model for an operation where the caller names none.

    Raises:
        ValueError: every model known for it has ended.
    """
    if connection.provider not in ("openai", "azure") or connection.azure_deployment:
        # A server of its own has its own models, and a deployment is of one model, whatever is asked for.
        return connection.model
    alive = [model for model in MODELS[operation] if model not in ENDS or today < ENDS[model][0]]
    if not alive:
        raise ValueError(
            f"OpenAI has ended every model for {operation} that is known here: name one (model=…), "
            "or another connection."
        )
    return alive[0]


def mind_the_end(model: str, connection: Connection, *, today: date) -> None:
    """Warn in the log, once a process, of a model that is about to end or has."""
    if connection.provider in ("openai", "azure") and model in ENDS and today >= ENDS[model][0] - NOTICE:
        _warn(model, ended=today >= ENDS[model][0])


@cache
def _warn(model: str, *, ended: bool) -> None:
    day, successor = ENDS[model]
    instead = f"; {successor} is named in its place" if successor else ""
    logger.warning("The model %s %s on %s%s.", model, "ended" if ended else "ends", day.isoformat(), instead)

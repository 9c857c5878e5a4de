"""Until when models are there, as data.

As OpenAI has announced it (the SDK's `types/shared/chat_model.py` and its deprecation page, November 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from aiops.gateway.connections import Connection

NOTICE = timedelta(days=60)
"""How long before its end a model in use is warned of."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a model."""

    day: date | None
    """The first day on which it is gone; None: it is gone, and the day is not kept here."""

    successor: str = ""
    """What the provider names in its place; empty where it names nothing."""

    def is_over(self, today: date) -> bool:
        """Whether the model is gone."""
        return self.day is None or today >= self.day

    def is_near(self, today: date) -> bool:
        """Whether it ends within `NOTICE`, or has ended."""
        return self.day is None or today >= self.day - NOTICE


_LUNA = "gpt-6-luna"

ENDS = {
    **dict.fromkeys(("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3"), End(date(2026, 12, 11), _LUNA)),
    **dict.fromkeys(("gpt-4o-mini-tts", "tts-1", "tts-1-hd"), End(date(2027, 1, 6))),
    **dict.fromkeys(("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"), End(date(2027, 1, 14), _LUNA)),
    **dict.fromkeys(
        ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"), End(date(2027, 2, 26), "gpt-transcribe")
    ),
    **dict.fromkeys(("gpt-5.1", "gpt-5.4-nano"), End(date(2027, 4, 1))),
    **dict.fromkeys(("gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-4.1-nano", "o1", "o3-mini", "o4-mini"), End(None)),
}
"""Model → its end."""


def end_of(connection: Connection, model: str) -> End | None:
    """The end of a model that its provider has announced; None where it has announced none, or is not known here."""
    return ENDS.get(model) if connection.provider in ("openai", "azure") else None

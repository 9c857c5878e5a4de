"""How long a version's own answers were of late: what is held for the next where the setting `HOLD` says `p95`."""

from __future__ import annotations

import math
import time

from aiops.calls.models import Call

SHARE = 0.95
"""Of the past answers, that were no longer."""

FEWEST = 20
"""Answers; fewer of them say nothing."""

LATEST = 500
"""Calls of the version that are looked at, by its index, whichever model they asked."""

FRESH = 60.0
"""Seconds for which a process keeps what it has found: it is asked for with every call."""

MOST_KEPT = 1000

OUT = ("output_tokens", "reasoning_tokens", "output_audio_tokens")

_kept: dict[tuple[int, str], tuple[float, int | None]] = {}


def usual_most(version_id: int, model: str) -> int | None:
    """Tokens that 95 of 100 of the version's latest answers by that model did not go beyond; None: too few are known.

    Answers that were cut off, or broke their schema, are among them: they were billed. Those out of the cache are not.
    """
    key = (version_id, model)
    known = _kept.get(key)
    if known is None or time.monotonic() - known[0] > FRESH:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        known = _kept[key] = (time.monotonic(), _look_up(version_id, model))
    return known[1]


def forget() -> None:
    """Look them up anew when they are next asked for."""
    _kept.clear()


def _look_up(version_id: int, model: str) -> int | None:
    latest = Call.objects.filter(prompt_version_id=version_id).order_by("-id")
    rows = latest.values_list("model_asked", "reused_from", *OUT)[:LATEST]
    sizes = sorted(
        sum(size or 0 for size in sizes)
        for asked, reused_from, *sizes in rows
        if asked == model and reused_from is None and sizes[0] is not None
    )
    return sizes[math.ceil(SHARE * len(sizes)) - 1] if len(sizes) >= FEWEST else None

"""Limits that are really held: so many requests, so many tokens, in any sixty seconds, for each model."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

WINDOW = 60.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the limits say to one request."""

    headers: Mapping[str, str]
    """`x-ratelimit-…`, and where the request is refused when to come again."""

    refusal: str = ""
    """For people; empty where the request may go on."""

    kind: str = ""
    """Which limit it was: `requests` or `tokens`."""


@dataclass(slots=True)
class _Window:
    """What has been let in within the last minute. What is refused does not count."""

    limit: int
    entries: deque[tuple[float, int]] = field(default_factory=deque)
    used: int = 0

    def forget(self, now: float) -> None:
        while self.entries and self.entries[0][0] <= now - WINDOW:
            self.used -= self.entries.popleft()[1]

    def wait(self, amount: int, now: float) -> float:
        """Seconds until so much more has room; 0 is now, infinity never."""
        if amount > self.limit:
            return math.inf
        lacking, wait = self.used + amount - self.limit, 0.0
        for at, gone in self.entries:
            if lacking <= 0:
                break
            lacking -= gone
            wait = at + WINDOW - now
        return wait

    def headers(self, kind: str, now: float) -> dict[str, str]:
        reset = self.entries[-1][0] + WINDOW - now if self.entries else 0.0
        return {
            f"x-ratelimit-limit-{kind}": str(self.limit),
            f"x-ratelimit-remaining-{kind}": str(max(0, self.limit - self.used)),
            f"x-ratelimit-reset-{kind}": duration(reset),
        }


class RateLimits:
    """Those of one server, which may be asked from any number of threads."""

    def __init__(self, *, requests: int | None, tokens: int | None, clock: Callable[[], float]) -> None:
        """
        Args:
            requests: most in a minute; None is no limit.
            tokens: most in a minute, of prompts and of the output that they ask for; None is no limit.
            clock: seconds.
        """
        self._limits = {
            kind: limit for kind, limit in (("requests", requests), ("tokens", tokens)) if limit is not None
        }
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()

    def __bool__(self) -> bool:
        return bool(self._limits)

    def forget(self) -> None:
        """Start with empty windows."""
        self._windows: defaultdict[str, dict[str, _Window]] = defaultdict(
            lambda: {kind: _Window(limit) for kind, limit in self._limits.items()}
        )

    def ask(self, model: str, tokens: int) -> Verdict:
        """Let a request in, or say when it may come again."""
        with self._lock:
            return self._ask(model, tokens)

    def _ask(self, model: str, tokens: int) -> Verdict:
        now = self._clock()
        windows = self._windows[model]
        amounts = {"requests": 1, "tokens": tokens}
        for window in windows.values():
            window.forget(now)
        waits = {kind: window.wait(amounts[kind], now) for kind, window in windows.items()}
        kind = max(waits, key=lambda name: waits[name])
        admitted = waits[kind] <= 0
        if admitted:
            for name, window in windows.items():
                window.entries.append((now, amounts[name]))
                window.used += amounts[name]
        headers = {name: told for of, window in windows.items() for name, told in window.headers(of, now).items()}
        if admitted:
            return Verdict(headers=headers)
        window = windows[kind]
        refusal = f"Rate limit reached for {model} on {kind} per min: Limit {window.limit}, Used {window.used}, "
        refusal += f"Requested {amounts[kind]}."
        if waits[kind] == math.inf:
            return Verdict(headers=headers, kind=kind, refusal=f"Request too large. {refusal}")
        headers["Retry-After"] = str(math.ceil(waits[kind]))
        headers["retry-after-ms"] = str(math.ceil(waits[kind] * 1000))
        return Verdict(headers=headers, kind=kind, refusal=f"{refusal} Please try again in {duration(waits[kind])}.")


def duration(seconds: float) -> str:
    """As OpenAI writes it: `120ms`, `6m0s`, `1.5s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"

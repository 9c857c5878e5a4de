"""The server's own count: what it answered, to be held against what the asking side believes."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from aiops.gateway.stand_in.said import Billed


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A snapshot of the count."""

    requests: int = 0
    """Asked of a model, by any API, whatever became of them; files and lists of models are not among them."""

    rate_limited: int = 0
    """Those among them that came too often."""

    answers: int = 0
    """Those that were handed over whole; refused, filtered and cut-off ones are among them: they are billed."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    audio_seconds: float = 0.0
    """Of recordings that were listened to: some models are paid by them."""

    speech_characters: int = 0
    """That were read aloud: speech tells no usage."""

    lost_answers: int = 0
    """Answers that were made and never arrived in a form that can be read: a real provider bills them."""

    lost_prompt_tokens: int = 0
    lost_completion_tokens: int = 0

    in_flight: int = 0
    """Asked and not ended. A request ends a moment after its client has the last byte."""

    peak_in_flight: int = 0


class Tally:
    """Counts from the server's thread, is read from any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def arrived(self) -> int:
        """Count a request in; gives its number, from 1."""
        with self._lock:
            counts = self._counts
            counts["requests"] += 1
            counts["in_flight"] += 1
            counts["peak_in_flight"] = max(counts["in_flight"], counts["peak_in_flight"])
            return counts["requests"]

    def limited(self) -> None:
        """A request that was counted in came too often."""
        with self._lock:
            self._counts["rate_limited"] += 1

    def left(self) -> None:
        """A request that was counted in has ended, however it did."""
        with self._lock:
            self._counts["in_flight"] -= 1

    def given(self, billed: Billed, *, sign: int = 1) -> None:
        """Count an answer as handed over; `sign=-1` takes it back."""
        with self._lock:
            self._counts["answers"] += sign
            self._counts["prompt_tokens"] += sign * billed.tokens_in
            self._counts["completion_tokens"] += sign * billed.tokens_out
            if billed.seconds or billed.characters:
                self._counts["audio_milliseconds"] += sign * round(billed.seconds * 1000)
                self._counts["speech_characters"] += sign * billed.characters

    def lost(self, billed: Billed) -> None:
        """Count an answer as made and not delivered."""
        with self._lock:
            self._counts["lost_answers"] += 1
            self._counts["lost_prompt_tokens"] += billed.tokens_in
            self._counts["lost_completion_tokens"] += billed.tokens_out

    def reset(self) -> None:
        """Start from nothing, but for the requests that are still in flight."""
        with self._lock:
            in_flight = self._counts["in_flight"]
            self._counts = Counter(in_flight=in_flight, peak_in_flight=in_flight)

    def snapshot(self) -> Totals:
        """The count of this moment."""
        with self._lock:
            counts = dict(self._counts)
            return Totals(audio_seconds=counts.pop("audio_milliseconds", 0) / 1000, **counts)

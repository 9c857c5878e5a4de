"""Replies that are answers: what a model says, and the ways in which it does not say it.

Reply                 one thing the stand-in does with one request; `.delay` seconds first
├── Completing        an answer with a usage, which is billed
│   ├── Answer        a good one: yours, or one made from the seed
│   ├── Refusal       the model declines
│   ├── Length        cut off by the output limit
│   ├── Filtered      stopped by the provider's filter
│   └── EmptyChoices  no choice at all
├── Status, Html, Raw  no completion: `statuses.py`
└── …                 what goes wrong on the way: `faults.py`
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum
from typing import Any

from aiops.gateway.stand_in.draft import DONE, Draft, tokens_of_messages, tokens_of_text, usage_of
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.seeded import seeded_text


class Unset(Enum):
    """Tells "not said" from None, which means "leave it out"."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True)
class Reply(ABC):
    """What the stand-in does with one request."""

    _: KW_ONLY

    delay: float | None = None
    """Seconds before anything is sent; None takes the server's `latency`."""

    @abstractmethod
    async def send(self, exchange: Exchange) -> None:
        """Say it."""


@dataclass(frozen=True)
class Completing(Reply):
    """A completion, sent whole or as a stream, as the request wants it."""

    _: KW_ONLY

    usage: Mapping[str, Any] | Unset | None = UNSET
    """Told instead of what was counted; None tells none."""

    model: str = ""
    """Named as the one that answered; empty takes the server's, or echoes the one that was asked for."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent beside, or instead of, the usual ones."""

    seconds_per_chunk: float = 0.0
    """Time between two chunks of a stream."""

    @abstractmethod
    def draft(self, exchange: Exchange) -> Draft:
        """Make the answer up, without sending it."""

    async def send(self, exchange: Exchange) -> None:
        """Give the answer and count it."""
        draft = self.draft(exchange)
        exchange.promise(draft)
        if not exchange.received.streamed:
            await exchange.whole(draft.body(), headers=self.headers)
            return
        await exchange.begin(headers=self.headers)
        for chunk in draft.events(include_usage=exchange.received.wants_usage_in_stream):
            await exchange.piece(chunk)
            if self.seconds_per_chunk:
                await asyncio.sleep(self.seconds_per_chunk)
        await exchange.piece(DONE)
        await exchange.end()

    def _drafted(
        self,
        exchange: Exchange,
        text: str | None,
        finish_reason: str | None,
        *,
        refusal: str | None = None,
        choices: bool = True,
    ) -> Draft:
        manner, received = exchange.manner, exchange.received
        tokens_in = tokens_of_messages(received.messages)
        tokens_out = tokens_of_text((text or "") + (refusal or "")) + manner.reasoning_tokens
        usage = (
            usage_of(tokens_in, tokens_out, cached=manner.cached_tokens, reasoning=manner.reasoning_tokens)
            if self.usage is UNSET
            else self.usage
        )
        return Draft(
            id=f"chatcmpl-{exchange.request_id.removeprefix('req_')}",
            model=self.model or manner.model or received.model,
            text=text,
            refusal=refusal,
            finish_reason=finish_reason,
            usage=usage,
            tokens=_told(usage) or (tokens_in, tokens_out),
            choices=choices,
        )


@dataclass(frozen=True)
class Answer(Completing):
    """A good answer: `text` as it is, `data` as JSON, or else one made from the seed, valid against the schema sent."""

    text: str | None = None
    data: Any = UNSET
    _: KW_ONLY
    finish_reason: str | None = "stop"

    def draft(self, exchange: Exchange) -> Draft:
        """Only an answer of the seed keeps to the output limit asked for: one that was scripted is told as it is."""
        if self.text is not None:
            return self._drafted(exchange, self.text, self.finish_reason)
        if self.data is not UNSET:
            return self._drafted(exchange, json.dumps(self.data, ensure_ascii=False), self.finish_reason)
        text = seeded_text(exchange.manner.seed, exchange.received)
        limit = exchange.received.output_limit
        if limit is not None:
            room = max(0, limit - exchange.manner.reasoning_tokens)
            if tokens_of_text(text) > room:
                kept = text.encode("utf-8", "surrogatepass")[: 4 * room].decode(errors="ignore")
                return self._drafted(exchange, kept, "length")
        return self._drafted(exchange, text, self.finish_reason)


@dataclass(frozen=True)
class Refusal(Completing):
    """The model declines, in the field that OpenAI has for it."""

    text: str = "I'm sorry, but I can't help with that."

    def draft(self, exchange: Exchange) -> Draft:
        return self._drafted(exchange, None, "stop", refusal=self.text)


@dataclass(frozen=True)
class Length(Completing):
    """Cut off by the output limit: `text`, or the first half of an answer of the seed."""

    text: str | None = None

    def draft(self, exchange: Exchange) -> Draft:
        text = self.text
        if text is None:
            whole = seeded_text(exchange.manner.seed, exchange.received)
            text = whole[: len(whole) // 2]
        return self._drafted(exchange, text, "length")


@dataclass(frozen=True)
class Filtered(Completing):
    """Stopped by the provider's filter after `text`."""

    text: str = ""

    def draft(self, exchange: Exchange) -> Draft:
        return self._drafted(exchange, self.text, "content_filter")


@dataclass(frozen=True)
class EmptyChoices(Completing):
    """An answer without a choice in it; billed all the same."""

    def draft(self, exchange: Exchange) -> Draft:
        return self._drafted(exchange, None, None, choices=False)


def _told(usage: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """The two totals of a usage object, or None where it makes no sense."""
    tokens_in, tokens_out = ((usage or {}).get(name) for name in ("prompt_tokens", "completion_tokens"))
    if type(tokens_in) is int and type(tokens_out) is int and min(tokens_in, tokens_out) >= 0:
        return tokens_in, tokens_out
    return None

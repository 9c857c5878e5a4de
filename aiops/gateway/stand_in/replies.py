"""Replies that are answers: what a model says, and the ways in which it does not say it.

Reply                 one thing the stand-in does with one request; `.delay` seconds first
├── Completing        an answer with a usage, which is billed
│   ├── Answer        a good one: yours, or one made from the seed
│   ├── Refusal       the model declines
│   ├── Length        cut off by the output limit
│   ├── Filtered      stopped by the provider's filter
│   ├── EmptyChoices  no choice at all
│   └── Failed        the model gives up
├── Status, Html, Raw  no completion: `statuses.py`
└── …                 what goes wrong on the way: `faults.py`
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from aiops.gateway.stand_in.counting import in_words_of
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.logprobs import likeliest
from aiops.gateway.stand_in.said import UNSET, Failure, Said, ToolCall, Unset


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
    def said(self, exchange: Exchange) -> Said:
        """What the model says, in the words of no API."""

    def draft(self, exchange: Exchange) -> Draft:
        """Make the answer up, without sending it."""
        manner, received, operation = exchange.manner, exchange.received, exchange.asked
        said = self.said(exchange)
        billed, usage = operation.count(said, exchange)
        if self.usage is not UNSET:
            usage = self.usage and in_words_of(operation.usage_words, self.usage)
            billed = operation.billed_by(usage) or billed
        return Draft(
            operation=operation,
            received=received,
            said=said,
            id=exchange.request_id.removeprefix("req_"),
            model=self.model or manner.model or received.model or operation.default_model,
            seed=manner.seed,
            reasons=manner.reasoning_tokens > 0,
            usage=usage,
            billed=billed,
            error=operation.error_for(said, streamed=exchange.streamed),
        )

    async def send(self, exchange: Exchange) -> None:
        """Give the answer and count it."""
        draft = self.draft(exchange)
        exchange.promise(draft)
        if draft.error is not None or not exchange.streamed:
            await exchange.whole(
                draft.body(), status=draft.status, content_type=draft.content_type, headers=self.headers
            )
            return
        await exchange.begin(headers=self.headers)
        streamed = draft.streamed()
        for piece in streamed.pieces:
            await exchange.piece(piece)
            if self.seconds_per_chunk:
                await exchange.pause(self.seconds_per_chunk)
        for piece in streamed.ending:
            await exchange.piece(piece)
        await exchange.end()


@dataclass(frozen=True)
class Answer(Completing):
    """A good answer: `text` as it is, `data` as JSON, or else one made from the seed, valid against the schema sent."""

    text: str | None = None
    data: Any = UNSET
    _: KW_ONLY

    tool_calls: Sequence[tuple[str, Any]] = ()
    """Functions that the model wants called, with their arguments: `[("get_weather", {"city": "Bern"})]`. Arguments
    that are a text are told as they are, be they JSON or not."""

    probabilities: Mapping[Any, float] | None = None
    """How likely each choice of an enumeration was: `{"card": 0.8, "refund": 0.2}`, told in the log probabilities where
    the answer has one of them. An answer that is not scripted makes the most likely choice."""

    finish_reason: str | None = "stop"

    def said(self, exchange: Exchange) -> Said:
        """Only an answer of the seed keeps to the output limit asked for: one that was scripted is told as it is."""
        said = self._said(exchange)
        if self.tool_calls:
            calls = tuple(ToolCall(name=name, arguments=_as_json(given)) for name, given in self.tool_calls)
            said = replace(said, tool_calls=calls, finish_reason="tool_calls")
        return said if self.finish_reason == "stop" else replace(said, finish_reason=self.finish_reason)

    def _said(self, exchange: Exchange) -> Said:
        if self.text is not None:
            return Said(text=self.text, probabilities=self.probabilities)
        if self.data is not UNSET:
            text = json.dumps(self.data, ensure_ascii=False)
            return Said(text=text, data=self.data, probabilities=self.probabilities)
        if self.tool_calls:
            return Said()
        seeded = exchange.asked.seeded(exchange)
        if self.probabilities is None:
            return seeded
        return likeliest(seeded, dict(self.probabilities), exchange.received.schema)


def _as_json(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Refusal(Completing):
    """The model declines, in the field that OpenAI has for it."""

    text: str = "I'm sorry, but I can't help with that."

    def said(self, exchange: Exchange) -> Said:
        return Said(refusal=self.text)


@dataclass(frozen=True)
class Length(Completing):
    """Cut off by the output limit: `text`, or the first half of an answer of the seed."""

    text: str | None = None

    def said(self, exchange: Exchange) -> Said:
        text = self.text
        if text is None:
            whole = exchange.asked.seeded(exchange).text or ""
            text = whole[: len(whole) // 2]
        return Said(text=text, finish_reason="length")


@dataclass(frozen=True)
class Filtered(Completing):
    """Stopped by the provider's filter after `text`."""

    text: str = ""

    def said(self, exchange: Exchange) -> Said:
        return Said(text=self.text, finish_reason="content_filter")


@dataclass(frozen=True)
class EmptyChoices(Completing):
    """An answer without a choice, or an item, in it; billed all the same."""

    def said(self, exchange: Exchange) -> Said:
        return Said(finish_reason=None, nothing=True)


@dataclass(frozen=True)
class Failed(Completing):
    """The model gives up after `text`: status `failed` in Responses; elsewhere an error in the stream, or a 500."""

    text: str | None = None
    code: str = "server_error"
    message: str = "The model had an error."

    def said(self, exchange: Exchange) -> Said:
        return Said(text=self.text, finish_reason=None, failure=Failure(code=self.code, message=self.message))

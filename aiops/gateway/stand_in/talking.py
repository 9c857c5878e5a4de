"""What Chat Completions and Responses have in common: they answer messages with words."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aiops.gateway.stand_in.counting import tokens_of_messages, tokens_of_text
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said
from aiops.gateway.stand_in.seeded import seeded_rng, seeded_text
from aiops.gateway.stand_in.tools import demanded_call


class Talking(Operation):
    """Asked and answered in words."""

    usage: ClassVar[Callable[..., dict[str, Any]]]

    def streams(self, received: Received) -> bool:
        return received.streamed

    @abstractmethod
    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]: ...

    def seeded(self, exchange: Exchange) -> Said:
        """An answer of the seed keeps to the schema and to the output limit, and calls a function where it must."""
        return self.drawn(exchange, exchange.manner.seed)

    def drawn(self, exchange: Exchange, seed: int | str) -> Said:
        """The answer of this seed."""
        rng = seeded_rng(seed, exchange.received)
        call = demanded_call(exchange.received, rng)
        if call is not None:
            return Said(tool_calls=(call,), finish_reason="tool_calls")
        text = seeded_text(rng, exchange.received)
        limit = exchange.received.output_limit
        if limit is not None:
            room = max(0, limit - exchange.manner.reasoning_tokens)
            if tokens_of_text(text) > room:
                kept = text.encode("utf-8", "surrogatepass")[: 4 * room].decode(errors="ignore")
                return Said(text=kept, finish_reason="length")
        return Said(text=text)

    def choices(self, said: Said, received: Received) -> tuple[Said, ...]:
        """All that is said: one answer, but where several were asked for."""
        return (said,)

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        manner = exchange.manner
        tokens_in = tokens_of_messages(exchange.received.messages)
        tokens_out = manner.reasoning_tokens
        for choice in self.choices(said, exchange.received):
            tokens_out += tokens_of_text((choice.text or "") + (choice.refusal or ""))
            for call in choice.tool_calls:
                tokens_out += tokens_of_text(call.name + call.arguments)
        usage = self.usage(tokens_in, tokens_out, cached=manner.cached_tokens, reasoning=manner.reasoning_tokens)
        return Billed(tokens_in=tokens_in, tokens_out=tokens_out), usage

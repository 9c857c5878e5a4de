"""Speech: `POST …/audio/speech`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.counting import tokens_of_text
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said
from aiops.gateway.stand_in.sse import named_event
from aiops.gateway.stand_in.waves import silence, wav

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
MOST_CHARACTERS = 4096
SECONDS = 0.1
"""Of every recording, whatever is said in it."""


class Speech(Operation):
    """A recording of silence: a WAV whatever was asked for, but for bare samples. It says so in its content type."""

    name = "speech"

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"role": "user", "content": body["input"]}] if isinstance(body.get("input"), str) else []

    def streams(self, received: Received) -> bool:
        return isinstance(received.body, dict) and received.body.get("stream_format") == "sse"

    def problem(self, received: Received) -> Problem | None:
        if not received.text:
            return Problem(message="Missing required parameter: 'input'.")
        if len(received.text) > MOST_CHARACTERS:
            return Problem(message=f"Invalid 'input': string too long. Expected at most {MOST_CHARACTERS} characters.")
        if not received.body.get("voice"):
            return Problem(message="Missing required parameter: 'voice'.")
        if received.body.get("response_format", "mp3") not in FORMATS:
            return Problem(message=f"Invalid 'response_format': expected one of {', '.join(FORMATS)}.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        return Said()

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        text = exchange.received.text
        tokens_in, tokens_out = tokens_of_text(text), int(SECONDS * 10)
        billed = Billed(tokens_in=tokens_in, tokens_out=tokens_out, characters=len(text))
        # Only a stream tells it.
        return billed, {
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }

    def content_type(self, draft: Draft) -> str:
        return "audio/pcm" if draft.received.body.get("response_format") == "pcm" else "audio/wav"

    def body(self, draft: Draft) -> bytes:
        if draft.said.nothing:
            return b""
        return silence(SECONDS) if self.content_type(draft) == "audio/pcm" else wav(SECONDS)

    def streamed(self, draft: Draft) -> Streamed:
        body = self.body(draft)
        halves = (body[: len(body) // 2], body[len(body) // 2 :])
        pieces = [
            named_event({"type": "speech.audio.delta", "audio": base64.b64encode(half).decode()}) for half in halves
        ]
        done: dict[str, Any] = {"type": "speech.audio.done"}
        if draft.usage is not None:
            done["usage"] = draft.usage
        return Streamed(pieces=pieces, ending=[named_event(done)])

"""Transcriptions: `POST …/audio/transcriptions`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.counting import tokens_of_text
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import JSON, Operation, Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said
from aiops.gateway.stand_in.seeded import seeded_rng
from aiops.gateway.stand_in.sse import named_event, pieces_of
from aiops.gateway.stand_in.strings import sentence
from aiops.gateway.stand_in.waves import seconds_of

FORMATS = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
BY_DURATION = ("whisper-1",)
"""Models that are paid by the second; the others are by tokens."""

TOKENS_A_SECOND = 10
MOST_BYTES = 25 * 1024 * 1024


class Transcriptions(Operation):
    """The words of a recording: those of a reply, or a sentence of the seed."""

    name = "transcriptions"

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"role": "user", "content": body["prompt"]}] if body.get("prompt") else []

    def streams(self, received: Received) -> bool:
        # The oldest model takes the parameter and leaves it alone.
        return received.streamed and received.model not in BY_DURATION

    def problem(self, received: Received) -> Problem | None:
        recording = next((file for file in received.files if file.name == "file"), None)
        if recording is None:
            return Problem(message="Missing required parameter: 'file'.")
        if not recording.size:
            return Problem(message="Audio file is too short. Minimum audio length is 0.1 seconds.")
        if recording.size > MOST_BYTES:
            return Problem(
                status=413, message=f"Maximum content size limit ({MOST_BYTES}) exceeded ({recording.size} bytes read)."
            )
        if received.body.get("response_format", "json") not in FORMATS:
            return Problem(message=f"Invalid 'response_format': expected one of {', '.join(FORMATS)}.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        size = exchange.received.files[0].size
        return Said(text=sentence(seeded_rng(f"{exchange.manner.seed}:{size}", exchange.received)))

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        received = exchange.received
        seconds = _seconds(received)
        if received.model in BY_DURATION:
            return Billed(seconds=seconds), {"type": "duration", "seconds": seconds}
        audio, text = int(seconds * TOKENS_A_SECOND) + 1, tokens_of_text(received.text)
        billed = Billed(tokens_in=audio + text, tokens_out=tokens_of_text(said.text or ""), seconds=seconds)
        return billed, {
            "type": "tokens",
            "input_tokens": billed.tokens_in,
            "input_token_details": {"audio_tokens": audio, "text_tokens": text},
            "output_tokens": billed.tokens_out,
            "total_tokens": billed.tokens_in + billed.tokens_out,
        }

    def content_type(self, draft: Draft) -> str:
        return JSON if "json" in _format(draft) else "text/plain; charset=utf-8"

    def body(self, draft: Draft) -> bytes:
        text, seconds = draft.said.text or "", _seconds(draft.received)
        if "json" not in _format(draft):
            return _subtitles(_format(draft), text, seconds).encode("utf-8", "surrogatepass")
        whole: dict[str, Any] = {"text": text}
        if _format(draft) == "verbose_json":
            whole |= _verbose(draft, text, seconds)
        elif _format(draft) == "diarized_json":
            segment = {"id": "seg_0", "type": "transcript.text.segment", "speaker": "A", "text": text}
            whole |= {"task": "transcribe", "duration": seconds, "segments": [segment | {"start": 0.0, "end": seconds}]}
        if draft.usage is not None:
            whole["usage"] = draft.usage
        return json.dumps(whole).encode()

    def streamed(self, draft: Draft) -> Streamed:
        text = draft.said.text or ""
        pieces = [named_event({"type": "transcript.text.delta", "delta": piece}) for piece in pieces_of(text)]
        done: dict[str, Any] = {"type": "transcript.text.done", "text": text}
        if draft.usage is not None:
            done["usage"] = draft.usage
        return Streamed(pieces=pieces, ending=[named_event(done)])


def _format(draft: Draft) -> str:
    return str(draft.received.body.get("response_format", "json"))


def _seconds(received: Received) -> float:
    return seconds_of(received.files[0].start, received.files[0].size)


def _verbose(draft: Draft, text: str, seconds: float) -> dict[str, Any]:
    asked = draft.received.body
    segment = {"id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": [], "temperature": 0.0}
    rest = {"avg_logprob": -0.2, "compression_ratio": 1.0, "no_speech_prob": 0.01}
    verbose = {"task": "transcribe", "language": asked.get("language") or "english", "duration": seconds}
    verbose["segments"] = [segment | rest]
    if "word" in (asked.get("timestamp_granularities") or ()):
        words = text.split()
        share = seconds / max(1, len(words))
        verbose["words"] = [
            {"word": word, "start": round(number * share, 2), "end": round((number + 1) * share, 2)}
            for number, word in enumerate(words)
        ]
    return verbose


def _subtitles(kind: str, text: str, seconds: float) -> str:
    if kind == "text":
        return f"{text}\n"
    end = f"{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:{seconds % 60:06.3f}"
    if kind == "vtt":
        return f"WEBVTT\n\n00:00:00.000 --> {end}\n{text}\n"
    return f"1\n00:00:00,000 --> {end.replace('.', ',')}\n{text}\n"

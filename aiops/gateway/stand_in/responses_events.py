"""The typed events of a streamed response, numbered in their order."""

from __future__ import annotations

from typing import Any

from aiops.gateway.stand_in.sse import named_event, pieces_of

_EMPTY: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
}


class Events:
    """Events in the making."""

    def __init__(self) -> None:
        self._made: list[bytes] = []
        self._number = 0

    def add(self, kind: str, **fields: Any) -> None:
        """One event."""
        self._made.append(named_event({"type": kind, "sequence_number": self._number, **fields}))
        self._number += 1

    def taken(self) -> list[bytes]:
        """What has been made since the last time."""
        made, self._made = self._made, []
        return made

    def add_item(self, index: int, item: dict[str, Any]) -> None:
        """All that is told about one item: that it is there, what it says piece by piece, that it is done."""
        place = {"item_id": item["id"], "output_index": index}
        self.add("response.output_item.added", output_index=index, item=_begun(item))
        if item["type"] == "message":
            for number, part in enumerate(item["content"]):
                self._add_part({**place, "content_index": number}, part)
        elif item["type"] == "reasoning":
            for number, part in enumerate(item["summary"]):
                self._add_summary({**place, "summary_index": number}, part)
        elif item["type"] == "function_call":
            for piece in pieces_of(item["arguments"]):
                self.add("response.function_call_arguments.delta", **place, delta=piece)
            named = {"name": item["name"], "arguments": item["arguments"]}
            self.add("response.function_call_arguments.done", **place, **named)
        self.add("response.output_item.done", output_index=index, item=item)

    def _add_part(self, place: dict[str, Any], part: dict[str, Any]) -> None:
        if part["type"] == "refusal":
            self.add("response.content_part.added", **place, part={**part, "refusal": ""})
            for piece in pieces_of(part["refusal"]):
                self.add("response.refusal.delta", **place, delta=piece)
            self.add("response.refusal.done", **place, refusal=part["refusal"])
        else:
            self.add("response.content_part.added", **place, part={**part, "text": "", "logprobs": []})
            logprobs = list(part["logprobs"])
            for piece in pieces_of(part["text"]):
                told, logprobs = _first(logprobs, piece)
                self.add("response.output_text.delta", **place, delta=piece, logprobs=told)
            self.add("response.output_text.done", **place, text=part["text"], logprobs=part["logprobs"])
        self.add("response.content_part.done", **place, part=part)

    def _add_summary(self, place: dict[str, Any], part: dict[str, Any]) -> None:
        self.add("response.reasoning_summary_part.added", **place, part={**part, "text": ""})
        for piece in pieces_of(part["text"]):
            self.add("response.reasoning_summary_text.delta", **place, delta=piece)
        self.add("response.reasoning_summary_text.done", **place, text=part["text"])
        self.add("response.reasoning_summary_part.done", **place, part=part)


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    """The item before anything of it is there."""
    return {**item, **_EMPTY[item["type"]], "status": "in_progress"}


def _first(logprobs: list[dict[str, Any]], piece: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is told of the tokens that make up this piece, and the rest."""
    length = count = 0
    while count < len(logprobs) and length < len(piece):
        length += len(logprobs[count]["token"])
        count += 1
    return logprobs[:count], logprobs[count:]

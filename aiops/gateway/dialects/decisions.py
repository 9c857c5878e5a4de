"""Decisions: questions with a choice of answers, and the real probability of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import malformed, parsed, raw_usage, short
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.errors import Refused
from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.usage import Usage, usage_of_responses

PATH = "/decisions"
WHAT = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """Questions about one text."""

    operation: ClassVar[str] = "decision"

    connection: str
    model: str
    text: str
    questions: Sequence[Mapping[str, Any]]
    """As the provider has them: `type`, `instructions`, `choices` or `levels`."""

    def most(self) -> Usage:
        # Output is free and not held for; the input is read once a question at most.
        size = OVERHEAD + text_size(self.text)
        asked = sum(OVERHEAD + text_size(json.dumps(question)) for question in self.questions)
        return Usage(input_tokens=size * len(self.questions) + asked)

    def counted(self) -> Usage | None:
        return None

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": self.text}]

    def settings(self) -> Mapping[str, Any]:
        return {"questions": list(self.questions)}


def sending_of(request: DecisionRequest, connection: Connection) -> Sending:
    """What is sent."""
    body = {
        "model": connection.azure_deployment or request.model,
        "input": request.text,
        "questions": list(request.questions),
    }
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """The answers, as `result`: a dictionary a question, in order, as the provider says them.

    Raises:
        Malformed: the answer is something else.
        Refused: the model declined to answer all of them.
    """
    payload = parsed(content, facts, WHAT)
    answers = payload.get("answers")
    if not isinstance(answers, list) or not answers or not all(isinstance(one, dict) for one in answers):
        raise malformed(content, facts, WHAT)
    usage = raw_usage(payload)
    counted = usage_of_responses(usage)
    declined = all(one.get("type") == "refusal" for one in answers)
    completion = Completion(
        text="",
        model=short(payload.get("model"), 128),
        finish_reason="stop",
        refusal="The model declined to decide." if declined else "",
        # What comes out is free.
        usage=Usage(
            input_tokens=counted.input_tokens,
            cached_tokens=counted.cached_tokens,
            cache_write_tokens=counted.cache_write_tokens,
        )
        if counted
        else None,
        raw_usage=usage,
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        body=payload,
        result=answers,
    )
    if declined:
        raise Refused("The model declined to decide.", completion)
    return completion

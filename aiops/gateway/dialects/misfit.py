"""Whether a whole answer is one to its request, where the answer by itself cannot tell."""

from __future__ import annotations

from aiops.gateway.completion import Completion
from aiops.gateway.dialects.decisions import DecisionRequest
from aiops.gateway.dialects.embeddings import EmbeddingRequest
from aiops.gateway.dialects.moderations import ModerationRequest
from aiops.gateway.request import AnyRequest


def misfit(request: AnyRequest, completion: Completion) -> str:
    """Why the answer is none to this request, in a sentence; empty where it is one."""
    match request:
        case EmbeddingRequest():
            asked, what = len(request.texts), "texts"
        case ModerationRequest():
            # Parts are looked at together, texts one by one.
            asked = len(request.inputs) if all(isinstance(one, str) for one in request.inputs) else 1
            what = "texts"
        case DecisionRequest():
            asked, what = len(request.questions), "questions"
        case _:
            return ""
    came = len(completion.result)
    return "" if came == asked else f"{asked:,} {what} were sent and {came:,} answers came."

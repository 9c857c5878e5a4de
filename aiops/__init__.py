"""The AI back office for Django. What the shop's code imports from here is made when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiops.client.blocking import OpenAIClient
    from aiops.client.chats import StreamEnd
    from aiops.client.classification import Classification
    from aiops.client.errors import (
        OpenAIClientError,
        OpenAIIncompleteError,
        OpenAISchemaValidationError,
        OpenAITransportError,
    )
    from aiops.client.face import close_client, get_async_openai_client, get_client, get_openai_client
    from aiops.client.images import Image
    from aiops.client.moderation import Moderation
    from aiops.client.nonblocking import AsyncOpenAIClient
    from aiops.client.structured import get_structured_completion, get_structured_completion_sync
    from aiops.execution.about import calls_about
    from aiops.execution.costs import track_costs
    from aiops.execution.errors import REFUSALS
    from aiops.execution.fallbacks import Fallback
    from aiops.gateway.retry import RetryPolicy
    from aiops.jobs.errors import JobRefused
    from aiops.jobs.from_code import start_job

__all__ = [
    "REFUSALS",
    "AsyncOpenAIClient",
    "Classification",
    "Fallback",
    "Image",
    "JobRefused",
    "Moderation",
    "OpenAIClient",
    "OpenAIClientError",
    "OpenAIIncompleteError",
    "OpenAISchemaValidationError",
    "OpenAITransportError",
    "RetryPolicy",
    "StreamEnd",
    "calls_about",
    "close_client",
    "get_async_openai_client",
    "get_client",
    "get_openai_client",
    "get_structured_completion",
    "get_structured_completion_sync",
    "start_job",
    "track_costs",
]

# Importing them here would import Django's models before its apps are there.
_WHERE = {
    "REFUSALS": "aiops.execution.errors",
    "AsyncOpenAIClient": "aiops.client.nonblocking",
    "Classification": "aiops.client.classification",
    "Fallback": "aiops.execution.fallbacks",
    "Image": "aiops.client.images",
    "JobRefused": "aiops.jobs.errors",
    "Moderation": "aiops.client.moderation",
    "OpenAIClient": "aiops.client.blocking",
    "OpenAIClientError": "aiops.client.errors",
    "OpenAIIncompleteError": "aiops.client.errors",
    "OpenAISchemaValidationError": "aiops.client.errors",
    "OpenAITransportError": "aiops.client.errors",
    "RetryPolicy": "aiops.gateway.retry",
    "StreamEnd": "aiops.client.chats",
    "calls_about": "aiops.execution.about",
    "close_client": "aiops.client.face",
    "get_async_openai_client": "aiops.client.face",
    "get_client": "aiops.client.face",
    "get_openai_client": "aiops.client.face",
    "get_structured_completion": "aiops.client.structured",
    "get_structured_completion_sync": "aiops.client.structured",
    "start_job": "aiops.jobs.from_code",
    "track_costs": "aiops.execution.costs",
}


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(where), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""What a provider says by itself: that a batch is over. Signed as Standard Webhooks are, which OpenAI's are."""

from __future__ import annotations

import json
from collections.abc import Mapping

import openai

from aiops.gateway.clients import sync_client
from aiops.gateway.connections import Connection

MOST_BYTES = 64 * 1024
"""Of one: they name what has happened, and hold nothing of it."""

OVER = frozenset({"batch.completed", "batch.failed", "batch.expired", "batch.cancelled"})


class BadSignature(Exception):
    """It does not come from the provider, or is older than five minutes."""


def batch_that_is_over(body: bytes, headers: Mapping[str, str], connection: Connection, *, secret: str) -> str:
    """The provider's id of the batch that is said to be over; empty where something else is said.

    Raises:
        BadSignature: nobody may believe it.
        MissingKey: the connection has no key, so that nothing was ever asked over it.
    """
    try:
        sync_client(connection).webhooks.verify_signature(body, headers, secret=secret)
    except (openai.InvalidWebhookSignatureError, ValueError, TypeError) as error:
        # A header that is missing or is no text of ASCII, a body that is no UTF-8: each is told in another way.
        raise BadSignature(str(error)) from error
    try:
        event = json.loads(body)
        kind, batch_id = event["type"], event["data"]["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return batch_id if isinstance(kind, str) and kind in OVER and isinstance(batch_id, str) else ""

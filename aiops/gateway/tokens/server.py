"""Counting by the server that will answer: llama.cpp's, and those that offer the same two addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import httpx2
import openai

from aiops.gateway.clients import sync_client
from aiops.gateway.connection import Connection
from aiops.gateway.tokens.counter import CannotCount, text_of

PATIENCE = 3.0
"""Seconds for one count: somebody waits at a form."""


class ServerCounter:
    """Has the server put the messages into its model's form (`/apply-template`) and count them (`/tokenize`)."""

    is_exact = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_messages(self, messages: Sequence[Mapping[str, object]]) -> int:
        """Tokens of messages, with what the model's form puts around them."""
        plain = [{"role": message["role"], "content": text_of(message.get("content"))} for message in messages]
        formed = self._ask("apply-template", {"messages": plain}).get("prompt")
        return self._count(formed, add_special=True)

    def of_text(self, text: str) -> int:
        """Tokens of a text by itself."""
        return self._count(text, add_special=False)

    def _count(self, text: object, *, add_special: bool) -> int:
        if not isinstance(text, str):
            raise CannotCount("The server's answer holds no text to count.")
        tokens = self._ask("tokenize", {"content": text, "add_special": add_special}).get("tokens")
        if not isinstance(tokens, list):
            raise CannotCount("The server's answer holds no tokens.")
        return len(tokens)

    def _ask(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        # The two are beside the interface that OpenAI has, not in it.
        address = urljoin(self._connection.base_url + "/", f"../{path}")
        limit = httpx2.Timeout(PATIENCE, connect=self._connection.connect_timeout)
        try:
            client = sync_client(self._connection)
            answer = client.post(address, cast_to=httpx2.Response, body=body, options={"timeout": limit})
            said = json.loads(answer.read())
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError) as error:
            raise CannotCount(f"The server does not count: {error}") from error
        if not isinstance(said, dict):
            raise CannotCount("The server's answer is no object.")
        return said

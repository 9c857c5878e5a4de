"""Files at a provider, for code that may block. `timeout` is in seconds, of all of one attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai

from aiops.gateway.bounds import reading_at_most
from aiops.gateway.clients import sync_client
from aiops.gateway.connections import Connection
from aiops.gateway.files.faults import translated
from aiops.gateway.files.told import (
    FILES,
    PAGE,
    Sending,
    ToldFile,
    deleted_in,
    options_of,
)
from aiops.gateway.send import FORM


def upload(sending: Sending, connection: Connection, *, timeout: float) -> ToldFile:
    """Send a file, in pieces.

    Raises:
        GatewayError: it is not known to be there; `.billed` says whether it may be.
    """
    file = ("file", (sending.name, sending.content, sending.content_type))
    options = options_of(connection, timeout, headers=FORM)
    with translated():
        response = sync_client(connection).post(
            FILES.path, cast_to=httpx2.Response, body=sending.form(), files=[file], options=options
        )
    return FILES.told_in(response)


def list_page(connection: Connection, *, after: str, timeout: float) -> tuple[list[ToldFile], str]:
    """A page of all files, the oldest first, and after which of them the next page begins; empty where there is none.

    Args:
        after: where the page before ended; empty for the first.

    Raises:
        GatewayError: there is no list.
    """
    query = {"limit": PAGE, "order": "asc"} | ({"after": after} if after else {})
    options = options_of(connection, timeout, params=query)
    with translated():
        response = sync_client(connection).get(FILES.path, cast_to=httpx2.Response, options=options)
    return FILES.page_in(response, after)


def delete(provider_id: str, connection: Connection, *, timeout: float) -> None:
    """Delete a file.

    Raises:
        GatewayError: it is not known to be gone; with the status 404 it was not there.
    """
    with translated():
        response = sync_client(connection).delete(
            FILES.path_of(provider_id), cast_to=httpx2.Response, options=options_of(connection, timeout)
        )
    deleted_in(response)


def download(provider_id: str, connection: Connection, *, most_bytes: int, timeout: float) -> Iterator[bytes]:
    """What is in a file, piece by piece.

    Raises:
        GatewayError: also after some of it: it is larger than `most_bytes`, or the rest did not come.
    """
    with translated():
        with reading_at_most(most_bytes):
            opened = sync_client(connection).get(
                FILES.path_of(provider_id, "/content"),
                cast_to=object,
                options=options_of(connection, timeout),
                stream=True,
                stream_cls=openai.Stream[Any],
            )
        try:
            yield from opened.response.iter_bytes()
        finally:
            opened.response.close()

"""Asking a provider about batches, blocking. `timeout` is in seconds, of all of one attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx2

from aiops.gateway.batches.told import BATCHES, ToldBatch
from aiops.gateway.clients import sync_client
from aiops.gateway.connections import Connection
from aiops.gateway.errors import GatewayError, Malformed
from aiops.gateway.files.faults import translated
from aiops.gateway.files.told import options_of

PAGE = 100
"""Batches that are asked for at a time."""

WINDOW = "24h"
"""The only one that OpenAI has."""


def create(
    connection: Connection, *, endpoint: str, input_file_id: str, metadata: Mapping[str, str], timeout: float
) -> ToldBatch:
    """Have the lines of a file answered. Done twice, they are answered, and billed, twice.

    Args:
        endpoint: that all lines name.
        metadata: by which it is found again.

    Raises:
        GatewayError: it is not known to be there; `.billed` says whether it may be.
    """
    body = {
        "input_file_id": input_file_id,
        "endpoint": endpoint,
        "completion_window": WINDOW,
        "metadata": dict(metadata),
    }
    options = options_of(connection, timeout)
    with translated():
        response = sync_client(connection).post(BATCHES.path, cast_to=httpx2.Response, body=body, options=options)
    return BATCHES.told_in(response)


def look(provider_id: str, connection: Connection, *, timeout: float) -> ToldBatch:
    """A batch as it is now.

    Raises:
        GatewayError: it is not told; with the status 404 there is none.
    """
    options = options_of(connection, timeout)
    with translated():
        response = sync_client(connection).get(BATCHES.path_of(provider_id), cast_to=httpx2.Response, options=options)
    return BATCHES.told_in(response)


def cancel(provider_id: str, connection: Connection, *, timeout: float) -> ToldBatch:
    """Have no further line answered. What has been is kept, and billed.

    Raises:
        GatewayError: it is not known to be; with the status 400 or 409 it was over.
    """
    options = options_of(connection, timeout)
    with translated():
        response = sync_client(connection).post(
            BATCHES.path_of(provider_id, "/cancel"), cast_to=httpx2.Response, body={}, options=options
        )
    return BATCHES.told_in(response)


def find(
    connection: Connection, *, metadata: Mapping[str, str], input_file_id: str, since: datetime, timeout: float
) -> ToldBatch | None:
    """The batch that was created with these metadata, or of this file; None where the provider lists none.

    Args:
        input_file_id: of no other batch; empty where it is not known. Some servers do not list metadata.
        since: when it was created at the earliest: a list that is the newest first is read no further.

    Raises:
        GatewayError: nobody knows.
    """
    after = ""
    while True:
        query = {"limit": PAGE} | ({"after": after} if after else {})
        options = options_of(connection, timeout, params=query)
        with translated():
            response = sync_client(connection).get(BATCHES.path, cast_to=httpx2.Response, options=options)
        batches, after = BATCHES.page_in(response, after)
        for batch in batches:
            is_of_file = bool(input_file_id) and batch.input_file_id == input_file_id
            if is_of_file or metadata.items() <= batch.metadata.items():
                return batch
        if not after or _is_past(batches, since):
            return None


def _is_past(batches: Sequence[ToldBatch], since: datetime) -> bool:
    """Whether only older ones follow. Some servers list the oldest first."""
    first, last = batches[0].created, batches[-1].created
    return first is not None and last is not None and last < since and last < first


def has_batches(connection: Connection, *, timeout: float) -> bool:
    """Whether a server has them at all.

    Raises:
        GatewayError: it does not say.
    """
    options = options_of(connection, timeout, params={"limit": 1})
    try:
        with translated():
            response = sync_client(connection).get(BATCHES.path, cast_to=httpx2.Response, options=options)
        BATCHES.page_in(response, "")
    except Malformed:
        return False
    except GatewayError as error:
        if error.status in NO_SUCH_ADDRESS:
            return False
        raise
    return True


NO_SUCH_ADDRESS = frozenset({400, 404, 405, 501})
"""What servers say to an address that they do not have."""

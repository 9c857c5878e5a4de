"""What a provider says that it has billed and counted, as OpenAI tells it: `GET …/organization/…`.

It is read with an admin key, costs nothing, and asks nothing of a model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import openai

from aiops.gateway.clients import new_sync_client
from aiops.gateway.connections import Connection
from aiops.gateway.errors import GatewayError, Interrupted, Malformed
from aiops.gateway.plain_text import storable
from aiops.gateway.translate import error_of

COSTS = "costs"
USAGE = ("usage/completions", "usage/embeddings")

GROUPED_BY = {COSTS: "line_item"}
"""What else than the model it is told by."""

MOST_DAYS = {COSTS: 180}
"""Of one page; 31 for all others."""

MOST_PAGES = 500
"""More than the days of forty years: a server that always has another page is not followed for ever."""


def organization_pages(connection: Connection, what: str, *, since: date, until: date) -> Iterator[Mapping[str, Any]]:
    """The pages of buckets of a day each, as they came; numbers with a point in them are decimals.

    Args:
        what: `COSTS`, or one of `USAGE`.
        since: the first day, of UTC.
        until: the last one.

    Raises:
        MissingAdminKey: the environment has none.
        GatewayError: no page came.
    """
    key = connection.require_admin_key()
    query: dict[str, Any] = {
        "start_time": _seconds(since),
        "end_time": _seconds(until + timedelta(days=1)),
        "bucket_width": "1d",
        "group_by": [GROUPED_BY.get(what, "model")],
        "limit": MOST_DAYS.get(what, 31),
    }
    # A client of its own, so that the key is gone with it.
    with new_sync_client(replace(connection, api_key=key)) as client:
        for _ in range(MOST_PAGES):
            try:
                page = _page(client, connection, f"/organization/{what}", query)
            except GatewayError as error:
                error.forget(key)
                raise
            yield page
            if not page.get("has_more"):
                return
            following = page.get("next_page")
            if not following or following == query.get("page"):
                break
            query["page"] = following
    raise Malformed("The provider says that there is more of what it billed, and does not say where.")


def _page(client: openai.OpenAI, connection: Connection, path: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
    limit = httpx2.Timeout(min(connection.deadline, 60.0), connect=connection.connect_timeout)
    try:
        response = client.get(path, cast_to=httpx2.Response, options={"timeout": limit, "params": query})
        content = response.read()
    except openai.OpenAIError as error:
        raise error_of(error) from error
    except httpx2.HTTPError as error:
        raise Interrupted("The connection broke before the provider had said what it billed.") from error
    try:
        page = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        page = None
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raw = storable(content[:1000].decode(errors="replace"))
        raise Malformed("The provider's answer is no page of what it billed.", raw=raw)
    return page


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())

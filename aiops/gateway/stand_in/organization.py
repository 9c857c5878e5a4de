"""What the organization was billed and what it used: `GET …/organization/costs` and `…/organization/usage/…`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said

PAGES: Mapping[str, tuple[str, int]] = {
    "costs": ("line_item", 180),
    "usage/completions": ("model", 31),
    "usage/embeddings": ("model", 31),
}
"""What can be asked for → what it may be told by, and the most days of a page."""

DAYS_OF_A_PAGE = 7
"""Where nobody says how many."""

DAY = 24 * 3600


@dataclass(slots=True)
class Books:
    """What it says: nothing that it was not told. It keeps no account of what it answers."""

    admin_key: str | None = None
    """The key that it wants; None takes any."""

    rows: dict[str, list[tuple[date, str, dict[str, Any]]]] = field(default_factory=dict)
    """By what is asked for: the day, what it is told by, and the rest."""

    def bill(self, day: date, line_item: str, dollars: float | str, *, currency: str = "usd") -> None:
        """A line of the bill of a day.

        Args:
            line_item: such as `gpt-6-luna-2026-09-01, input`.
            dollars: told as it is given, as a number or as a text.
        """
        amount = {"value": dollars, "currency": currency}
        self.rows.setdefault("costs", []).append((day, line_item, {"amount": amount}))

    def use(self, day: date, model: str, *, requests: int, tokens_in: int, tokens_out: int = 0) -> None:
        """What a model was used on a day."""
        what = "usage/embeddings" if "embedding" in model else "usage/completions"
        told = {"num_model_requests": requests, "input_tokens": tokens_in, "output_tokens": tokens_out}
        self.rows.setdefault(what, []).append((day, model, told))


class Organization(Operation):
    """Buckets of a day each, a few of them on a page."""

    name = "organization"
    counted = False
    own_key = True

    def __init__(self, what: str, books: Books) -> None:
        self._what = what
        self._books = books
        self._group, self._most_days = PAGES[what]

    def accepts(self, method: str, rest: str) -> bool:
        return method == "GET" and not rest

    def problem(self, received: Received) -> Problem | None:
        wanted = self._books.admin_key
        if wanted is not None and received.headers.get("Authorization") != f"Bearer {wanted}":
            return Problem(status=401, message="You have insufficient permissions for this operation.")
        query = received.query
        if not query.get("start_time", "").isdecimal():
            return Problem(message="Missing required parameter: 'start_time'.")
        if int(query["start_time"]) >= self._end(query):
            return Problem(message="'end_time' must be after 'start_time'.")
        if query.get("bucket_width", "1d") != "1d":
            return Problem(message="Invalid 'bucket_width': expected '1d'.")
        limit = query.get("limit", "1")
        if not limit.isdecimal() or not 1 <= int(limit) <= self._most_days:
            return Problem(message=f"Invalid 'limit': expected an integer between 1 and {self._most_days}.")
        group = _group_of(query)
        if group not in (None, self._group):
            return Problem(message=f"Invalid 'group_by': this stand-in tells it by '{self._group}'.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        query = exchange.received.query
        first = _day(int(query["start_time"]))
        days = [first + timedelta(days=number) for number in range((self._end(query) - _start(first)) // DAY)]
        begin = int(query.get("page", "page_0").removeprefix("page_"))
        end = begin + int(query.get("limit", DAYS_OF_A_PAGE))
        return Said(
            data={
                "object": "page",
                "data": [self._bucket(day, by=_group_of(query)) for day in days[begin:end]],
                "has_more": end < len(days),
                "next_page": f"page_{end}" if end < len(days) else None,
            }
        )

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def body(self, draft: Draft) -> bytes:
        return json.dumps(draft.said.data).encode()

    def forget(self) -> None:
        """Nothing was billed."""
        self._books.rows.clear()

    def _end(self, query: Mapping[str, str]) -> int:
        return int(query["end_time"]) if "end_time" in query else int(query["start_time"]) + DAYS_OF_A_PAGE * DAY

    def _bucket(self, day: date, *, by: str | None) -> dict[str, Any]:
        rows = [(name, told) for of, name, told in self._books.rows.get(self._what, ()) if of == day]
        return {
            "object": "bucket",
            "start_time": _start(day),
            "end_time": _start(day) + DAY,
            "results": list(self._results(rows, by=by)),
        }

    def _results(self, rows: Iterable[tuple[str, dict[str, Any]]], *, by: str | None) -> Iterable[dict[str, Any]]:
        for name, told in rows:
            yield {
                "object": f"organization.{self._what.replace('/', '.')}.result",
                **told,
                "project_id": None,
                self._group: name if by else None,
            }


def _group_of(query: Mapping[str, str]) -> str | None:
    return query.get("group_by[]", query.get("group_by"))


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _start(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())

"""The demo's table: what was done, what it came to, and whether everything adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.connections import connection_from
from aiops.gateway.usage import Usage
from aiops.jobs.models import Item
from aiops.jobs.progress import Progress
from aiops.ledger.money import dollars
from aiops.ledger.prices import price_of

HOSTED = ("gpt-6-luna", "gpt-6.1-terra")
"""What people would otherwise pay for: the cheapest, and a stronger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """A job's numbers, each from where it is kept."""

    progress: Progress
    calls: list[Call]
    server: tuple[int, int]
    """Tokens in and out by the server's own count."""

    @property
    def logged(self) -> tuple[int, int]:
        """Tokens in and out by the log."""
        return sum(call.tokens_in or 0 for call in self.calls), sum(call.tokens_out or 0 for call in self.calls)

    def faults(self) -> list[str]:
        """What does not add up; empty when all does."""
        counts, total = self.progress.counts, self.progress.total
        found = []
        if counts[Item.Status.SUCCEEDED] + counts[Item.Status.FAILED] != total:
            found.append(f"{total - self.progress.done} of {total} rows came to no end.")
        if len({call.item_id for call in self.calls}) != total:
            found.append(f"{total} rows have calls for {len({call.item_id for call in self.calls})} of them.")
        if self.logged != self.server:
            found.append(f"The log has {self.logged} tokens in and out, the server counted {self.server}.")
        return found


def sums_of(progress: Progress, server: tuple[int, int]) -> Sums:
    """Read a job's calls."""
    calls = Call.objects.filter(job_id=progress.job.pk).without_bodies()
    return Sums(progress=progress, calls=list(calls), server=server)


def lines(sums: Sums) -> Iterator[tuple[str, str]]:
    """Name and value of each line of the table."""
    progress, counts = sums.progress, sums.progress.counts
    yield "rows", f"{progress.total:,}"
    yield "succeeded", f"{counts[Item.Status.SUCCEEDED]:,}"
    yield "failed", f"{counts[Item.Status.FAILED]:,}" + "".join(f", {n} {kind}" for kind, n in progress.errors)
    yield "tokens in, out", f"{sums.logged[0]:,}, {sums.logged[1]:,} (the server's own count: {_same(sums)})"
    yield "cost", dollars(progress.cost)
    for model in HOSTED:
        yield f"on {model}", f"about {dollars(_hosted(sums.calls, model))}"
    if progress.rate:
        yield "rows a minute", f"{progress.rate * 60:,.0f}"


def _same(sums: Sums) -> str:
    return "the same" if sums.logged == sums.server else f"{sums.server[0]:,}, {sums.server[1]:,}"


def _hosted(calls: list[Call], model: str) -> int | None:
    """Nano-dollars of the same tokens at OpenAI. About, for its tokens are others."""
    price = price_of(connection_from("openai", {}), model, timezone.now())
    costs = [
        price.cost(Usage(input_tokens=call.tokens_in or 0, output_tokens=call.tokens_out or 0)) if price else None
        for call in calls
    ]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None

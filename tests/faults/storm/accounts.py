"""Afterwards: every question against its row, every row against its money, every answer against what was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Sum

from aiops.calls.models import Call
from aiops.gateway.errors import Billed
from aiops.ledger.models import BudgetPeriod, Hold
from tests.faults.storm.callers import Asked, digest, form_of
from tests.faults.storm.dealing import Dealer


def faults_in(asked: Sequence[Asked], dealer: Dealer) -> Iterator[str]:
    """A sentence for each thing that is not as it was promised; none is what is hoped for."""
    rows = {int(row.purpose): row for row in Call.objects.iterator(chunk_size=500)}
    if len(rows) != Call.objects.count():
        yield "a question has two rows"
    seen = {one.question: one for one in asked}
    for question in rows.keys() - seen.keys():
        yield f"question {question} was asked, and nobody heard of its end"
    for question in dealer.sendings.keys() - rows.keys():
        yield f"question {question} was sent without a row"
    for question, one in seen.items():
        row = rows.get(question)
        if row is None:
            # Whoever left before anything was sent leaves no trace.
            if one.error != "left":
                yield f"question {question} has no row: {one.error or one.answer}"
            continue
        for fault in (*_of_row(row, one, dealer), *_of_money(row)):
            yield f"question {question} ({form_of(question)}, {row.connection}): {fault}"
    for period in BudgetPeriod.objects.all():
        settled = Hold.objects.filter(period=period).aggregate(sum=Sum("settled"))["sum"] or 0
        if (period.held, period.settled) != (0, settled):
            yield f"the counters say {period.held} held, {period.settled} settled; the ledger says 0, {settled}"


def _of_row(row: Call, one: Asked, dealer: Dealer) -> Iterator[str]:
    question, sent = one.question, dealer.sendings[one.question]
    if row.status == Call.Status.SENDING or row.ended_at is None:
        yield "its row is open"
    if sent > row.attempt_count:
        yield f"it was sent {sent} times, and the row knows of {row.attempt_count}"
    if one.error == "AssertionError":
        yield "the stream did not show what it ended with"
    if row.status != Call.Status.SUCCEEDED:
        if not one.error:
            yield f"the caller was given an answer, the row says {row.error_kind}"
        elif one.error not in ("left", row.error_kind):
            yield f"the caller was told {one.error}, the row says {row.error_kind}"
        return
    last, form = dealer.dealt(question, sent), form_of(question)
    if form not in last.whole_in:
        yield f"succeeded with {last.name}, which is no answer: {row.output[:80]!r}"
    elif row.output != last.text:
        yield f"the row says {row.output[:80]!r}, the provider said {last.text[:80]!r}"
    elif one.error != "left" and one.answer != digest(last.text):
        yield f"the caller was given something else than {last.text[:80]!r}, or told {one.error!r}"


def _of_money(row: Call) -> Iterator[str]:
    holds = list(Hold.objects.filter(call_id=row.pk, kind=Hold.Kind.HOLD))
    if any(hold.state == Hold.State.HELD for hold in holds):
        yield "a hold is open"
    followed = [attempt for attempt in row.attempts if attempt["number"] < row.attempt_count]
    wanted = 1 + sum(attempt["billed"] != Billed.NO for attempt in followed)
    if len(holds) != wanted:
        yield f"{len(holds)} holds for attempts that need {wanted}: {row.attempts}"
    settled = sum(hold.settled or 0 for hold in Hold.objects.filter(call_id=row.pk))
    if row.cost is not None and row.cost != settled:
        yield f"the row says it cost {row.cost}, the ledger {settled}"

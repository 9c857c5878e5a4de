"""How many calls are in flight follows what the provider bears: up slowly, down fast."""

import logging
import re
from threading import Thread

import pytest
from django.db import connection

from aiops.gateway.errors import BadRequest, Interrupted, QuotaExhausted, RateLimited, ServerFault, Unreachable
from aiops.gateway.testing import StandIn
from aiops.jobs.models import Job
from aiops.jobs.slots import Slots
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket

BUSY = RateLimited("Too much to do.")


def refused(slots, times, *, began, at, error=BUSY):
    for _ in range(times):
        slots.failed(error, began=began, at=at)


def answered(slots, times, *, began, full=True):
    for _ in range(times):
        slots.answered(began=began, full=full)


class TestTheNumber:
    def test_begins_at_the_bound(self):
        assert Slots(64).now == 64
        assert Slots(64).lowered_to is None

    def test_is_halved_once_for_a_burst_whatever_is_refused_in_it(self):
        slots = Slots(64)
        refused(slots, 56, began=0, at=1)
        assert slots.now == slots.lowered_to == 32

    def test_falls_again_for_what_was_sent_since(self):
        slots = Slots(64)
        for at in range(1, 20):
            refused(slots, 64, began=at - 1, at=at)
            refused(slots, 64, began=at - 1, at=at + 0.5)
            assert slots.now == max(1, 64 // 2**at)

    def test_falls_less_where_calls_have_succeeded_at_it(self):
        slots = Slots(64)
        refused(slots, 9, began=0, at=1)
        answered(slots, 33, began=2)
        assert slots.now == 33
        refused(slots, 3, began=2, at=3)
        assert slots.now == 23

    def test_rises_by_one_a_round(self):
        slots = Slots(40)
        refused(slots, 9, began=0, at=1)
        for more in range(1, 5):
            answered(slots, 20 + more, began=2)
            assert slots.now == 20 + more

    def test_is_back_at_a_large_bound_after_fifty_rounds(self):
        slots = Slots(500)
        for at in range(12):
            refused(slots, 500, began=at, at=at + 1)
        assert slots.now == 1
        rounds = 0
        while slots.lowered_to is not None:
            answered(slots, slots.now, began=20)
            rounds += 1
        assert 45 <= rounds <= 60

    def test_does_not_rise_where_not_all_slots_were_used(self):
        slots = Slots(40)
        refused(slots, 9, began=0, at=1)
        answered(slots, 500, began=2, full=False)
        assert slots.now == 20

    def test_does_not_rise_by_what_was_sent_before_it_fell(self):
        slots = Slots(40)
        refused(slots, 9, began=0, at=1)
        answered(slots, 500, began=0)
        assert slots.now == 20

    def test_is_not_moved_by_single_failures(self):
        slots = Slots(64)
        for at in range(1000):
            refused(slots, 1, began=at, at=at)
            answered(slots, 63, began=at)
        assert slots.now == 64

    @pytest.mark.parametrize(
        ("error", "falls"),
        [
            (RateLimited("x"), True),
            (ServerFault("x"), True),
            (Unreachable("x"), True),
            (Interrupted("x"), True),
            (BadRequest("x"), False),
            (QuotaExhausted("x"), False),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
    )
    def test_falls_by_what_less_would_cure(self, error, falls):
        slots = Slots(10)
        refused(slots, 10, began=0, at=1, error=error)
        assert slots.now == (5 if falls else 10)


@pytest.fixture
def narrow(settings):
    """A provider that bears three calls at a time, and a connection that would have twenty-four."""
    with StandIn(latency=0.1, most_at_once=3) as provider:
        default = {**settings.AIOPS["CONNECTIONS"]["default"], "BASE_URL": provider.base_url, "MAX_IN_FLIGHT": 24}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
        yield provider


@pytest.fixture
def many(triage, db):
    def start(rows=120):
        Ticket.objects.all().delete()
        Ticket.objects.bulk_create(Ticket(text=f"Row {number}.") for number in range(rows))
        return start_job(triage, model_source("helpdesk.Ticket"))

    return start


@pytest.mark.slow
@pytest.mark.usefixtures("budget")
@pytest.mark.django_db(transaction=True)
class TestAnOverloadedProvider:
    def test_is_asked_little_more_than_it_bears_and_answers_all(self, many, narrow, caplog, monkeypatch):
        with monkeypatch.context() as deaf:
            deaf.setattr(Slots, "failed", lambda *_, **__: None)
            work(many().pk)
        in_vain = narrow.totals.rate_limited
        narrow.reset()
        job = many()
        with caplog.at_level(logging.INFO, "aiops.jobs.worker"):
            work(job.pk)
        job.refresh_from_db()
        counts, totals = job.items.count_by_status(), narrow.totals
        assert counts["succeeded"] == totals.answers >= 118, counts
        assert totals.rate_limited < in_vain * 0.7, (totals.rate_limited, in_vain)
        lowest = min(numbers_told(caplog))
        assert lowest <= 4, "near the three that it bears"
        assert job.slots is None, "nobody is at it any more"

    def test_is_asked_more_again_once_the_trouble_is_over(self, many, narrow, caplog):
        seen, told = [], []

        def better(request):
            seen.append(request)
            if len(seen) == 60:
                narrow.most_at_once = None
                told.append(len(numbers_told(caplog)))
            return False

        narrow.when(better, "")
        job = many(400)
        with caplog.at_level(logging.INFO, "aiops.jobs.worker"):
            work(job.pk)
        assert job.items.count_by_status()["succeeded"] >= 398
        since = numbers_told(caplog)[told[0] :]
        assert max(since) >= 3 * min(since), since

    def test_is_told_of_on_the_job_as_long_as_it_is_asked_less(self, many, narrow):
        seen = []

        def look(request):
            if len(narrow.requests) in (60, 80, 100):
                thread = Thread(target=lambda: (seen.append(Job.objects.get().slots), connection.close()))
                thread.start()
                thread.join()
            return False

        narrow.when(look, "")
        work(many(80).pk)
        assert any(slots and slots < 24 for slots in seen), seen


def numbers_told(caplog):
    """The slots that the log has told of, in order."""
    return [int(number) for number in re.findall(r"(\d+) of \d+ calls at a time", caplog.text)]

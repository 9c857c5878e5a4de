"""A job that is stopped now: what is in flight is given up, and said honestly of each call how far it had come."""

from threading import Thread

import pytest
from django.db import connection
from django.db.models import Sum

from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Disconnect, Hang, StandIn, Status
from aiops.jobs import worker as at_work
from aiops.jobs.control import resume, stop
from aiops.jobs.errors import WrongState
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.jobs.under_way import UnderWay, under_way
from aiops.ledger.models import BudgetPeriod, Hold

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db(transaction=True)]

GOOD = Answer(data={"category": "payment", "priority": "high"})
NEVER = Hang(600)


def connected(settings, **options):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], **options}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "default": default}}


@pytest.fixture
def job(triage, tickets, provider):
    return start_job(triage, model_source("helpdesk.Ticket"))


def elsewhere(do):
    """Done by somebody else: in a thread, and a connection to the database, of its own."""

    def run():
        try:
            do()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def stopped_once(provider, job, so_many, **how):
    """Stop the job when the provider has had so many requests, whatever it does with them."""

    def is_time(request):
        if len(provider.requests) == so_many:
            elsewhere(lambda: stop(Job.objects.get(pk=job.pk), **how))
        return False

    provider.when(is_time, GOOD)


def counts(job):
    return {status: n for status, n in job.items.count_by_status().items() if n}


def calls():
    return sorted(Call.objects.values_list("status", "error_kind"))


def held_and_settled():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def test_what_is_in_flight_is_given_up_and_charged_and_asked_again_once_the_job_is_resumed(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=4)
    stopped_once(provider, job, 4, give_up=True)
    provider.when(lambda request: len(provider.requests) <= 4, NEVER)
    provider.when(lambda request: True, GOOD)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job), job.worker) == (Job.Status.STOPPED, {"pending": 20}, None)
    assert calls() == [("unknown", "abandoned")] * 4, "whatever had not left leaves no row"
    told = "The job was stopped now, before the answer came; it may have been billed."
    assert set(Call.objects.values_list("error_text", "attempt_count", "cost")) == {(told, 1, None)}
    charged = Hold.objects.filter(call_id__in=Call.objects.values("pk")).aggregate(Sum("amount"))["amount__sum"]
    assert held_and_settled() == (0, charged)
    assert (job.unknown_costs, job.cost) == (4, 0)
    assert set(job.items.values_list("claims", "owner", "lease_until")) == {(0, None, None)}

    resume(job)
    assert not job.stopped_now
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job), job.unknown_costs) == (Job.Status.FINISHED, {"succeeded": 20}, 4)
    assert held_and_settled() == (0, charged + job.cost)
    assert len(provider.requests) == 24


def test_a_plain_stop_waits_for_what_is_in_flight_and_can_be_hurried(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=2)
    stopped_once(provider, job, 2)
    seen = []

    def hurried(request):
        seen.append(request)
        if len(seen) == 2:
            elsewhere(lambda: stop(Job.objects.get(pk=job.pk), give_up=True))
        return True

    provider.when(hurried, NEVER)
    work(job.pk)
    assert counts(job) == {"pending": 20}
    assert calls() == [("unknown", "abandoned")] * 2


def test_an_answer_that_came_before_is_kept(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=4)
    provider.when(lambda request: len(provider.requests) <= 3, GOOD)
    # The fourth is begun as soon as one of them has landed.
    stopped_once(provider, job, 7, give_up=True)
    provider.when(lambda request: True, NEVER)
    work(job.pk)
    job.refresh_from_db()
    assert counts(job) == {"succeeded": 3, "pending": 17}
    assert calls() == [("succeeded", "")] * 3 + [("unknown", "abandoned")] * 4
    assert job.cost == Call.objects.aggregate(Sum("cost"))["cost__sum"] > 0


def test_a_call_that_waits_after_a_refusal_ended_by_it_and_costs_nothing(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=1)
    stopped_once(provider, job, 1, give_up=True)
    provider.when(lambda request: True, Status(429, retry_after="30"))
    work(job.pk)
    job.refresh_from_db()
    call = Call.objects.get()
    assert (call.status, call.error_kind, call.cost, call.attempt_count) == ("failed", "rate_limited", 0, 1)
    assert (counts(job), held_and_settled(), job.unknown_costs) == ({"pending": 20}, (0, 0), 0)


def test_each_sending_that_may_have_been_billed_is_charged(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=1)
    stopped_once(provider, job, 2, give_up=True)
    provider.when(lambda request: len(provider.requests) == 1, Disconnect())
    provider.when(lambda request: True, NEVER)
    work(job.pk)
    job.refresh_from_db()
    call = Call.objects.get()
    assert (call.status, call.error_kind, call.cost, call.attempt_count) == ("unknown", "abandoned", None, 2)
    assert [one["kind"] for one in call.attempts] == ["interrupted"]
    held = Hold.objects.filter(call_id=call.pk)
    assert held.count() == 2
    amounts = held.aggregate(Sum("amount"))["amount__sum"]
    assert (counts(job), held_and_settled(), job.unknown_costs) == ({"pending": 20}, (0, amounts), 1)


def test_a_call_that_waits_to_ask_somebody_else_is_what_it_was(triage, tickets, provider, settings, monkeypatch):
    with StandIn() as other:
        connections = settings.AIOPS["CONNECTIONS"]
        spare = {**connections["default"], "BASE_URL": other.base_url}
        default = {**connections["default"], "MAX_IN_FLIGHT": 1}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "default": default, "spare": spare}}
        version = triage.prompt.add_version(
            messages=triage.messages,
            schema=triage.schema,
            output_limit=100,
            fallbacks=[{"connection": "spare", "model": "", "on": ["schema"]}],
        )
        provider.when(lambda request: True, Answer(text="no JSON"))
        job = start_job(version, model_source("helpdesk.Ticket"))
        held_again = at_work.hold_again

        def held_and_stopped(*args, **named):
            # The money is there, and whoever waits for it has not heard of it when the job is stopped.
            refusal = held_again(*args, **named)
            Job.objects.filter(pk=job.pk).update(status=Job.Status.STOPPED, stopped_now=True)
            return refusal

        monkeypatch.setattr(at_work, "hold_again", held_and_stopped)
        monkeypatch.setattr(at_work.Flight, "answer", lambda *_: None)
        work(job.pk)
        job.refresh_from_db()
        call = Call.objects.get()
        assert (call.status, call.error_kind, call.output, other.requests) == ("failed", "schema", "no JSON", [])
        assert counts(job) == {"pending": 20}
        assert call.cost == job.cost > 0
        assert held_and_settled() == (0, call.cost)
        assert sorted(Hold.objects.filter(call_id=call.pk).values_list("attempt", "state")) == [
            (1, "settled"),
            (2, "released"),
        ]
        assert (job.tokens_in, job.tokens_out) == (call.tokens_in, call.tokens_out)


def test_what_would_be_thrown_away_is_told_before(job, provider, settings):
    connected(settings, MAX_IN_FLIGHT=3)
    told = []

    def look(request):
        if len(provider.requests) == 3:
            elsewhere(lambda: told.append(under_way(Job.objects.get(pk=job.pk))))
            elsewhere(lambda: stop(Job.objects.get(pk=job.pk), give_up=True))
        return True

    provider.when(look, NEVER)
    work(job.pk)
    (told,) = told
    # One is held ready beyond the slots.
    assert told.count == 4
    assert told.held == Hold.objects.aggregate(Sum("amount"))["amount__sum"]
    assert told.sentence().startswith("About 4 calls are under way: their answers are paid for and thrown away. Their")
    assert under_way(job) == UnderWay(0, 0)
    assert under_way(job).sentence() == "No call is under way."


def test_what_is_under_way_is_found_in_two_questions(job, django_assert_num_queries):
    with django_assert_num_queries(2):
        under_way(job)


def test_a_job_whose_worker_is_dead_is_stopped_all_the_same(job, provider):
    Item.objects.filter(position__lte=2).update(status=Item.Status.CLAIMED)
    assert stop(job, give_up=True) == (
        "The job is stopped now: calls that were under way are given up, and asked again once it is resumed."
    )
    assert (job.status, job.stopped_now) == (Job.Status.STOPPED, True)
    assert work(job.pk) == 0
    assert counts(job) == {"claimed": 2, "pending": 18}, "until their leases end"


def test_a_job_that_is_over_cannot_be_stopped_now(job, provider):
    work(job.pk)
    with pytest.raises(WrongState, match="The job is finished"):
        stop(Job.objects.get(pk=job.pk), give_up=True)

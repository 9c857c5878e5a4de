"""A job's rows all come to a known end, whatever the provider, the budget or the machine does."""

import re
from datetime import timedelta
from threading import Thread, Timer
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from aiops import get_openai_client
from aiops.calls.models import Call
from aiops.durable import durable
from aiops.files.models import UploadedFile
from aiops.gateway.testing import Answer, Disconnect, Refusal, StandIn, Status
from aiops.jobs.claim import MOST_CLAIMS, claim, pick
from aiops.jobs.control import resume
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.periods import change_cap
from aiops.stops.switch import stop_all
from project.helpdesk.models import Ticket
from prompts.models import Prompt

pytestmark = pytest.mark.usefixtures("budget")

DOLLAR = 1_000_000_000


@pytest.fixture
def source(tickets):
    return model_source("helpdesk.Ticket")


@pytest.fixture
def job(triage, source, provider):
    """A job over all tickets, not yet worked at."""
    return start_job(triage, source)


def counts(job):
    return {status: n for status, n in job.items.count_by_status().items() if n}


def held_and_settled():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def test_every_row_is_asked_once_and_everything_adds_up(job, tickets, provider):
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    calls = Call.objects.filter(job_id=job.pk)
    assert {call.item_id for call in calls} == set(job.items.values_list("pk", flat=True))
    assert sum(call.tokens_in for call in calls) == job.tokens_in == provider.totals.prompt_tokens
    assert sum(call.tokens_out for call in calls) == job.tokens_out == provider.totals.completion_tokens
    assert sum(call.cost for call in calls) == job.cost
    assert held_and_settled() == (0, job.cost)
    assert {call.row_key for call in calls} == {str(ticket.pk) for ticket in tickets}
    assert {item.data["category"] for item in job.items.all()} <= {
        "card",
        "cash",
        "payment",
        "transfer",
        "top_up",
        "account",
    }
    assert job.ended_at >= job.started_at


def test_one_bad_row_never_stops_the_rest(job, tickets, provider):
    refused, hung_up = tickets[3].text, tickets[7].text
    provider.when(lambda request: request.body["messages"][1]["content"] == refused, Refusal())
    provider.when(lambda request: request.body["messages"][1]["content"] == hung_up, Status(400))
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 18, "failed": 2})
    assert sorted(job.items.failed().values_list("position", "error_kind")) == [(4, "refused"), (8, "bad_request")]
    assert all(text.endswith(".") for text in job.items.failed().values_list("error_text", flat=True))


def test_a_row_that_cannot_be_rendered_fails_alone_and_is_not_sent(triage, tickets, provider):
    Ticket.objects.filter(pk=tickets[5].pk).update(text="BOOM")
    version = triage.prompt.add_version(
        messages=[{"role": "user", "content": "{{ 1 / (0 if text == 'BOOM' else 1) }} {{ text }}"}],
        output_limit=100,
        schema=triage.schema,
    )
    job = start_job(version, model_source("helpdesk.Ticket"))
    work(job.pk)
    assert counts(job) == {"succeeded": 19, "failed": 1}
    assert len(provider.requests) == 19
    assert not Call.objects.filter(item_id=job.items.failed().get().pk).exists()


def test_failed_rows_are_tried_again_on_demand_only(job, tickets, provider):
    text = tickets[3].text
    rule = provider.when(lambda request: request.body["messages"][1]["content"] == text, Refusal())
    work(job.pk)
    provider.reset()
    del rule
    job.refresh_from_db()
    assert work(job.pk) == 0
    assert job.retry_failed() == 1
    assert job.status == Job.Status.RUNNING
    assert work(job.pk) == 1
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert Call.objects.filter(item_id=job.items.get(position=4).pk).count() == 2


def test_a_stopped_job_begins_nothing_more_and_goes_on_when_resumed(job, provider):
    job.stop(now=timezone.now())
    assert work(job.pk) == 0
    assert provider.requests == []
    job.resume()
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED


@pytest.mark.django_db(transaction=True)
def test_what_has_not_left_when_a_job_is_stopped_never_does(job, provider, settings):
    one_at_a_time = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 1}
    settings.AIOPS = {"CONNECTIONS": {"default": one_at_a_time}}

    def stop(request):
        # In the provider's own thread, as somebody else would.
        thread = Thread(target=lambda: (Job.objects.update(status=Job.Status.STOPPED), connection.close()))
        thread.start()
        thread.join()
        return True

    provider.when(stop, Answer(data={"category": "payment", "priority": "high"}, delay=1))
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.STOPPED
    assert len(provider.requests) == 1
    assert counts(job) == {"succeeded": 1, "pending": 19}
    assert [call.status for call in Call.objects.all()] == ["succeeded"]
    assert held_and_settled()[0] == 0


def test_a_job_that_is_over_cannot_be_stopped_or_resumed(job):
    work(job.pk)
    for change in (lambda: job.stop(now=timezone.now()), job.resume, lambda: job.pause("x")):
        with pytest.raises(WrongState, match="The job is finished: it cannot become"):
            change()


def test_the_budget_is_a_wall_and_the_job_waits_in_front_of_it(job, provider):
    Budget.objects.update(cap=0)
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    assert job.paused_because.startswith("The budget “Everything” has $0.00 left")
    assert provider.requests == []
    assert counts(job) == {"pending": 20}
    assert not Call.objects.exists()


def raise_cap(cap):
    change_cap(Budget.objects.get(), cap, now=timezone.now())


def freeze(frozen):
    BudgetPeriod.objects.update(frozen=frozen)


def test_a_job_before_the_wall_goes_on_by_itself_once_there_is_room(job, provider):
    raise_cap(0)
    work(job.pk)
    job.refresh_from_db()
    wanted = job.waits_for
    assert job.status == Job.Status.PAUSED and wanted > 0
    raise_cap(wanted - 1)
    freeze(True)
    assert sweep() == 0
    raise_cap(10 * DOLLAR)
    assert sweep() == 0, "it is frozen"
    freeze(False)
    sweep()
    job.refresh_from_db()
    assert (job.status, job.paused_because, job.waits_for) == (Job.Status.RUNNING, "", None)
    assert work(job.pk) == 20
    assert len(provider.requests) == 20


def test_a_job_before_the_wall_waits_until_there_is_room_for_its_next_call(job):
    raise_cap(0)
    work(job.pk)
    job.refresh_from_db()
    for cap, status in ((job.waits_for - 1, Job.Status.PAUSED), (job.waits_for, Job.Status.RUNNING)):
        raise_cap(cap)
        sweep()
        job.refresh_from_db()
        assert job.status == status


def test_while_every_call_is_stopped_no_job_goes_on_by_itself(job):
    raise_cap(0)
    work(job.pk)
    raise_cap(10 * DOLLAR)
    stop_all(None, "a drill")
    sweep()
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED


def test_a_job_that_was_paused_for_something_else_waits_for_somebody(job, provider, settings):
    default = settings.AIOPS["CONNECTIONS"]["default"]
    settings.AIOPS = {"CONNECTIONS": {"default": {"BASE_URL": "https://api.openai.com/v1", "API_KEY": ""}}}
    work(job.pk)
    settings.AIOPS = {"CONNECTIONS": {"default": default}}
    sweep()
    job.refresh_from_db()
    assert (job.status, job.waits_for) == (Job.Status.PAUSED, None)


def test_a_budget_that_has_room_for_a_few_lets_a_few_through(job, provider):
    BudgetPeriod.objects.all().delete()
    Budget.objects.update(cap=100_000)
    work(job.pk)
    job.refresh_from_db()
    held, settled = held_and_settled()
    assert held == 0
    assert settled <= 100_000
    assert job.status == Job.Status.PAUSED
    left, wanted = re.search(r"has \$([\d.]+) left, and this may cost \$([\d.]+)", job.paused_because).groups()
    assert float(left) < float(wanted)
    assert 0 < len(provider.requests) < 20
    BudgetPeriod.objects.update(cap=10**12)
    job.resume()
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert len(provider.requests) == 20


def test_a_job_goes_on_as_long_as_what_is_in_flight_may_leave_room(job, provider):
    # Room for five at a time: each holds about fifty times of what it will have cost.
    Budget.objects.update(cap=5 * 90_000)
    provider.when(lambda request: True, Answer(data={"category": "payment", "priority": "high"}, delay=0.1))
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert Call.objects.count() == len(provider.requests) == 20
    assert held_and_settled() == (0, job.cost)


def test_a_key_that_was_taken_away_pauses_the_job(job, provider, settings):
    settings.AIOPS = {"CONNECTIONS": {"default": {"BASE_URL": "https://api.openai.com/v1", "API_KEY": ""}}}
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    assert job.paused_because.startswith("The connection 'default' has no key: ")


def test_a_provider_that_is_away_for_a_moment_when_work_begins_pauses_nothing(job, provider, settings):
    url = provider.base_url
    provider.stop()
    back = StandIn(port=urlsplit(url).port)
    Timer(1, back.start).start()
    try:
        assert work(job.pk) == 20
    finally:
        back.stop()


def test_a_provider_that_is_down_when_work_begins_pauses_the_job(job, provider, settings):
    settings.AIOPS = {**settings.AIOPS, "SLICE_SECONDS": 1}
    provider.stop()
    assert work(job.pk) == 0
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    assert job.paused_because.startswith("Nobody answers at 127.0.0.1:")
    assert counts(job) == {"pending": 20}


def test_a_message_for_a_job_that_is_gone_is_no_work(job):
    pk = job.pk
    job.delete()
    assert work(pk) == 0


class TestAWorkerThatDied:
    """It had claimed, recorded and held; nobody will ever say how its calls ended."""

    @pytest.fixture
    def dead(self, job, triage, provider):
        from aiops.execution.prepare import About, make_plan, prepare
        from aiops.execution.window import open_window

        now = timezone.now()
        items = pick(job, limit=5, now=now)
        plan = make_plan(triage, now=now)
        with durable():
            claim(items, owner=uuid4(), until=now + timedelta(minutes=3), now=now)
            window = [prepare(plan, item.variables, About(job_id=job.pk, item_id=item.pk)) for item in items]
            open_window(window, now=now)
        return job

    def expire(self):
        Item.objects.filter(status=Item.Status.CLAIMED).update(lease_until=timezone.now() - timedelta(seconds=1))

    def test_keeps_its_rows_until_its_lease_ends(self, dead):
        assert work(dead.pk) == 15
        dead.refresh_from_db()
        assert (dead.status, counts(dead)) == (Job.Status.RUNNING, {"succeeded": 15, "claimed": 5})

    def test_loses_nothing_and_its_calls_are_unknown_and_charged_at_their_holds(self, dead):
        amounts = sum(Hold.objects.values_list("amount", flat=True))
        self.expire()
        assert work(dead.pk) == 20
        dead.refresh_from_db()
        assert (dead.status, counts(dead)) == (Job.Status.FINISHED, {"succeeded": 20})
        unknown = Call.objects.filter(status=Call.Status.UNKNOWN)
        assert [call.cost for call in unknown] == [None] * 5
        assert dead.unknown_costs == 5
        assert held_and_settled() == (0, amounts + dead.cost)

    def test_is_not_survived_by_a_row_that_kills_its_workers(self, dead, provider):
        Item.objects.filter(status=Item.Status.CLAIMED).update(claims=MOST_CLAIMS)
        self.expire()
        work(dead.pk)
        assert counts(dead) == {"succeeded": 15, "failed": 5}
        assert set(dead.items.failed().values_list("error_kind", flat=True)) == {"quarantined"}
        assert len(provider.requests) == 15

    def test_comes_back_too_late_and_writes_nothing(self, dead):
        from aiops.jobs.claim import give_back

        late = dead.items.filter(status=Item.Status.CLAIMED).first()
        token = late.owner
        self.expire()
        work(dead.pk)
        give_back([late.pk], owner=token)
        late.refresh_from_db()
        assert late.status == Item.Status.SUCCEEDED

    def test_is_noticed_by_the_sweeper(self, dead):
        work(dead.pk)
        OrmQ.objects.all().delete()
        assert sweep() == 0, "its lease has not ended"
        self.expire()
        assert sweep() == 1
        assert OrmQ.objects.count() == 1
        assert sweep() == 0, "a worker is on the way"
        Job.objects.update(rung_at=timezone.now() - timedelta(minutes=6))
        assert sweep() == 1, "it never came"

    def test_is_not_given_up_while_its_calls_might_still_wait_or_fly(self, dead, settings):
        settings.AIOPS = {**settings.AIOPS, "SLICE_SECONDS": 300}
        Call.objects.update(started_at=timezone.now() - timedelta(seconds=300 + 119))
        sweep()
        assert set(Call.objects.values_list("status", flat=True)) == {"sending"}

    def test_leaves_no_money_set_aside_even_where_nobody_takes_its_rows_over(self, dead):
        dead.stop(now=timezone.now())
        Call.objects.update(started_at=timezone.now() - timedelta(hours=1))
        sweep()
        assert held_and_settled()[0] == 0
        assert set(Call.objects.values_list("status", flat=True)) == {"unknown"}


def test_the_sweeper_works_beside_a_connection_that_makes_no_sense(job, settings):
    default = settings.AIOPS["CONNECTIONS"]["default"]
    settings.AIOPS = {"CONNECTIONS": {"default": default, "wrong": {"BASE_URL": 7}}}
    Job.objects.update(rung_at=None)
    assert sweep() == 1


def test_the_sweeper_forgets_uploaded_files_whose_time_is_over(db, provider):
    client, pdf = get_openai_client(), "%PDF-1.7\nA bill of {} francs.\n%%EOF\n"
    files = [client.upload_file(pdf.format(n).encode(), name=f"{n}.pdf", expires_after=n * 3600) for n in (2, 3)]
    UploadedFile.objects.filter(pk=files[0].pk).update(expires=timezone.now() - timedelta(seconds=1))
    sweep()
    assert dict(UploadedFile.objects.values_list("pk", "state")) == {files[0].pk: "deleted", files[1].pk: "there"}


def test_one_worker_at_a_time_works_at_a_job(job, provider):
    now = timezone.now()
    assert job.take(uuid4(), until=now + timedelta(seconds=60), now=now)
    assert work(job.pk) == 0
    assert sweep() == 0, "nobody is rung for while somebody is at it"
    Job.objects.update(worker_until=now - timedelta(seconds=1))
    assert sweep() == 1
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert job.worker is None


def test_of_many_messages_for_a_job_one_is_work(job, provider, settings):
    settings.AIOPS = {**settings.AIOPS, "SLICE_SECONDS": 1}
    job.stop(now=timezone.now())
    for _ in range(3):
        resume(job)
        job.stop(now=timezone.now())
    resume(job)
    provider.when(lambda request: True, Answer(data={"category": "payment", "priority": "high"}, delay=2))
    connection = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 4}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": connection}}
    messages = [message.task["args"] for message in OrmQ.objects.order_by("pk")]
    assert len(messages) == 5
    OrmQ.objects.all().delete()
    assert [work(*message) > 0 for message in messages] == [False] * 4 + [True]
    assert OrmQ.objects.count() == 1, "and it rings for the next"


def test_a_ring_is_heard_whatever_time_zone_the_database_speaks_in(job, provider):
    job.refresh_from_db()
    assert work(job.pk, job.rung_at.astimezone(ZoneInfo("Europe/Berlin")).isoformat()) == 20


def test_the_sweeper_ends_a_job_whose_last_worker_died_before_it_said_so(job):
    job.items.update(status=Item.Status.SUCCEEDED)
    sweep()
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED


def test_an_attempt_that_may_be_billed_gets_a_second_hold_in_a_job_too(job, tickets, provider):
    good = Answer(data={"category": "payment", "priority": "high"})
    provider.reply_with(Disconnect(), *[good] * 20)
    work(job.pk)
    job.refresh_from_db()
    assert counts(job) == {"succeeded": 20}
    assert Hold.objects.count() == 21
    assert job.unknown_costs == 1
    assert held_and_settled()[0] == 0


def test_a_window_costs_the_same_queries_whatever_its_size(job, provider, django_assert_max_num_queries):
    # Eleven to claim, record and hold; as many to write what came; the rest begins and ends the slice.
    with django_assert_max_num_queries(60):
        work(job.pk)


class TestRefusedAtTheDoor:
    @pytest.fixture(autouse=True)
    def nothing_left_behind(self, provider, db):
        yield
        assert provider.requests == []
        assert not Job.objects.exists()
        assert not Item.objects.exists()

    def test_no_rows(self, triage, db):
        with pytest.raises(JobRefused, match="There is nothing to do"):
            start_job(triage, model_source("helpdesk.Ticket"))

    def test_a_variable_that_the_rows_do_not_have(self, source, db):
        prompt = Prompt.objects.create(name="p", title="p")
        version = prompt.add_version(messages=[{"role": "user", "content": "{{ txet }}"}])
        with pytest.raises(JobRefused, match=r"“txet”.*did you mean “text”"):
            start_job(version, source)

    def test_a_price_that_nobody_knows(self, triage, source):
        with pytest.raises(JobRefused, match="Nobody knows what “our-own” costs"):
            start_job(triage, source, model="our-own")

    def test_no_key(self, triage, source, settings):
        settings.AIOPS = {"CONNECTIONS": {"default": {"BASE_URL": "https://api.openai.com/v1", "API_KEY": ""}}}
        with pytest.raises(JobRefused, match="has no key"):
            start_job(triage, source)

    def test_a_provider_that_is_down(self, triage, source, provider):
        provider.stop()
        with pytest.raises(JobRefused, match=r"Nobody answers at 127\.0\.0\.1:\d+, .* see that the server runs"):
            start_job(triage, source)

    def test_an_unknown_connection(self, triage, source):
        with pytest.raises(JobRefused, match="There is no connection 'opnai'"):
            start_job(triage, source, connection="opnai")


def test_the_same_form_sent_twice_starts_one_job(triage, source, provider):
    token = uuid4()
    first = start_job(triage, source, token=token)
    assert start_job(triage, source, token=token) == first
    assert Item.objects.count() == 20


def test_a_prompt_whose_answers_may_be_given_again_is_not_asked_twice(triage, source, provider):
    triage.prompt.reuse_seconds = 3600
    triage.prompt.save()
    first = start_job(triage, source)
    assert work(first.pk) == 20
    again = start_job(triage, source)
    assert work(again.pk) == 20
    again.refresh_from_db()
    assert (again.status, counts(again)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert provider.totals.requests == 20
    assert [item.data for item in again.items.order_by("position")] == [
        item.data for item in first.items.order_by("position")
    ]
    calls = Call.objects.filter(job_id=again.pk)
    assert {(call.status, call.cost, call.attempt_count) for call in calls} == {("succeeded", 0, 0)}
    first.refresh_from_db()
    assert (again.cost, sum(call.saved for call in calls)) == (0, first.cost)
    assert held_and_settled() == (0, first.cost)


@pytest.mark.django_db(transaction=True)
def test_a_limit_slows_a_job_down_and_fails_none_of_its_rows(triage, source, provider, settings):
    connections = settings.AIOPS["CONNECTIONS"]
    default = {**connections["default"], "REQUESTS_PER_MINUTE": 300, "MAX_IN_FLIGHT": 200, "DEADLINE": 2.0}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "default": default}}
    job = start_job(triage, source)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    times = [request.at for request in provider.requests]
    # Five a second, and a little at the beginning.
    assert (times[-1] - times[0]).total_seconds() > 3


class TestFailuresInARow:
    @pytest.fixture
    def careful(self, triage, source, provider, settings):
        default = settings.AIOPS["CONNECTIONS"]["default"]
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": {**default, "MAX_IN_FLIGHT": 1}}}
        return start_job(triage, source, most_failures=5)

    def test_after_so_many_a_job_is_paused_and_says_why(self, careful, provider):
        provider.when(lambda request: True, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.PAUSED
        assert careful.paused_because.startswith("5 rows in a row failed, the last one by “refused”.")
        # What was under way beside them comes to its end.
        assert 5 <= counts(careful)["failed"] < 20

    def test_it_goes_on_when_somebody_has_seen_to_it(self, careful, provider):
        provider.when(lambda request: request.number <= 8, Refusal("No."))
        for _ in range(5):
            work(careful.pk)
            careful.refresh_from_db()
            if careful.status == Job.Status.PAUSED:
                sweep()
                careful.refresh_from_db()
                assert careful.status == Job.Status.PAUSED, "nobody has"
                resume(careful)
        assert careful.status == Job.Status.FINISHED
        assert counts(careful) == {"failed": 8, "succeeded": 12}

    def test_failures_between_successes_stop_nothing(self, careful, provider):
        provider.when(lambda request: request.number % 5 != 0, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.FINISHED
        assert counts(careful) == {"failed": 16, "succeeded": 4}

"""The switch that stops every call: whoever asks is refused at once, and told who did it, when and why."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.db import connection

from aiops import OpenAITransportError, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.execution.answer import answer
from aiops.execution.errors import REFUSALS
from aiops.gateway.testing import Answer, Disconnect, Status
from aiops.jobs.control import resume
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod, Hold
from aiops.stops.errors import NotStopped, Stopped
from aiops.stops.switch import go_on, require_going, stop_all

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db]

ASK = [{"role": "user", "content": "What is a chargeback?"}]
TICKET = {"text": "I was charged twice."}
GOOD = Answer(data={"category": "payment", "priority": "high"})


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create(username="ada", is_staff=True)


def by_another(function, *args):
    """Do it in a thread with a database connection of its own, as another process would."""

    def run():
        try:
            return function(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(60)


DOORS = {
    "chat": lambda: get_openai_client().chat_completion(ASK),
    "chat, awaited": lambda: async_to_sync(get_async_openai_client().chat_completion)(ASK),
    "stream": lambda: list(get_openai_client().stream(ASK)),
    "vectors": lambda: get_openai_client().embed("a"),
    "moderation": lambda: get_openai_client().moderate("a"),
    "SDK": lambda: get_openai_client().sdk.chat.completions.create(model="gpt-6-luna", messages=ASK),
    "SDK, unrecorded": lambda: get_openai_client().sdk.models.list(),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_shut_and_says_who_shut_it(door, provider, ada):
    stop_all(ada, "The provider answers for somebody else")
    with pytest.raises(Stopped) as caught:
        DOORS[door]()
    assert str(caught.value).startswith("Every call was stopped by ada on ")
    assert str(caught.value).endswith(
        ": The provider answers for somebody else. "
        "To go on, choose “Let calls go on” under Stops, or run manage.py resume_calls."
    )
    assert isinstance(caught.value, REFUSALS)
    assert caught.value.kind == "stopped"
    assert provider.requests == []
    assert not Call.objects.exists()
    assert not Hold.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_open_again_afterwards(door, provider, ada):
    stop_all(ada, "a drill")
    go_on(ada)
    DOORS[door]()
    assert len(provider.requests) == 1


def test_a_version_is_not_asked(triage, provider, ada):
    stop_all(ada, "a drill")
    with pytest.raises(Stopped):
        answer(triage, TICKET)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("said", "why"), [(True, "no reason was given."), ("The contract has ended.", "The contract has ended.")]
)
def test_the_settings_win_over_the_switch(triage, provider, settings, ada, said, why, django_assert_num_queries):
    settings.AIOPS = settings.AIOPS | {"STOPPED": said}
    with pytest.raises(Stopped) as caught, django_assert_num_queries(0):
        require_going()
    assert str(caught.value) == f'Every call is stopped by the settings: {why} Take AIOPS["STOPPED"] out to go on.'
    with pytest.raises(NotStopped, match="The settings stop every call"):
        go_on(ada)
    with pytest.raises(Stopped):
        answer(triage, TICKET)
    assert provider.requests == []


def test_asking_costs_one_query(django_assert_num_queries, ada):
    with django_assert_num_queries(1):
        require_going()
    stop_all(ada, "a drill")
    with pytest.raises(Stopped), django_assert_num_queries(1):
        require_going()


def test_a_second_stop_changes_nothing_and_one_press_ends_all_of_it(ada, django_user_model):
    bob = django_user_model.objects.create(username="bob")
    first = stop_all(ada, "a drill")
    assert stop_all(bob, "another reason") == first
    [ended] = go_on(bob)
    ended.refresh_from_db()
    assert (ended.by, ended.ended_by, ended.because) == (ada, bob, "a drill")
    assert ended.since <= ended.until
    with pytest.raises(NotStopped, match="Nothing is stopped"):
        go_on(bob)
    assert [(entry.user.username, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")] == [
        ("ada", "Stopped every call: a drill"),
        ("bob", "Let calls go on."),
    ]


def test_a_user_who_is_deleted_leaves_the_stop_in_force(ada):
    stop_all(ada, "a drill")
    LogEntry.objects.all().delete()
    ada.delete()
    with pytest.raises(Stopped, match=r"^Every call was stopped on "):
        require_going()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [Status(429, retry_after="0"), Disconnect()], ids=["not billed", "perhaps billed"])
@pytest.mark.parametrize("way", ["blocking", "awaited", "streamed"])
def test_what_is_under_way_is_not_sent_again(provider, way, first):
    def stop(request):
        by_another(stop_all, None, "a drill")
        return True

    provider.when(stop, first)
    ask = {
        "blocking": DOORS["chat"],
        "awaited": DOORS["chat, awaited"],
        "streamed": DOORS["stream"],
    }[way]
    # It was sent: how that ended stands.
    with pytest.raises(OpenAITransportError):
        ask()
    assert len(provider.requests) == 1
    call = Call.objects.get()
    assert (call.status, call.attempt_count) == ("failed", 1)
    assert BudgetPeriod.objects.get().held == 0


@pytest.mark.django_db(transaction=True)
def test_nobody_else_is_asked_instead(provider, settings):
    other = {**settings.AIOPS["CONNECTIONS"]["default"]}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "other": other}}

    def stop(request):
        by_another(stop_all, None, "a drill")
        return True

    provider.when(stop, Status(401))
    with pytest.raises(OpenAITransportError):
        get_openai_client().chat_completion(ASK, fallbacks=["other"])
    assert len(provider.requests) == 1
    assert Call.objects.get().connection_answered == ""


@pytest.mark.django_db(transaction=True)
def test_a_job_pauses_with_the_sentence_and_goes_on_when_it_is_resumed(triage, tickets, provider, ada):
    provider.when(lambda request: True, GOOD)
    job = start_job(triage, model_source("helpdesk.Ticket"))
    stop_all(ada, "a drill")
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    assert job.paused_because.startswith("Every call was stopped by ada on ")
    assert provider.requests == []
    assert job.items.filter(status=Item.Status.PENDING).count() == 20
    resume(job)
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED, "resumed too early, it pauses again"
    go_on(ada)
    resume(job)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, job.items.filter(status=Item.Status.SUCCEEDED).count()) == (Job.Status.FINISHED, 20)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_runs_takes_back_what_has_not_left(triage, tickets, provider, settings):
    narrow = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 2}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": narrow}}

    def stop(request):
        by_another(stop_all, None, "a drill")
        return True

    provider.when(stop, Answer(data=GOOD.data, delay=3))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    # Two were under way, and a third was held ready for the first slot that is free.
    asked = len(provider.requests)
    assert asked == 2
    assert job.items.filter(status=Item.Status.SUCCEEDED).count() == asked
    assert job.items.filter(status=Item.Status.PENDING).count() == 20 - asked
    assert Call.objects.count() == asked
    assert BudgetPeriod.objects.get().held == 0

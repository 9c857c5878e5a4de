"""A version that says whom to ask instead: by answer() and in jobs."""

import pytest

from aiops.calls.models import Call
from aiops.execution import cooldown
from aiops.execution.answer import answer
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.connections import UnknownConnection
from aiops.gateway.testing import Answer, StandIn, Status
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db(transaction=True)]

GOOD = Answer(data={"category": "payment", "priority": "high"})


@pytest.fixture
def spare(provider, settings):
    """Another provider."""
    with StandIn() as other:
        connections = settings.AIOPS["CONNECTIONS"]
        options = {**connections["default"], "BASE_URL": other.base_url, "MODEL": "gpt-6-sol"}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "spare": options}}
        other.when(lambda request: True, GOOD)
        yield other
        close_sync_clients()


@pytest.fixture
def careful(triage):
    """The version, with somebody else to ask."""
    return triage.prompt.add_version(
        messages=triage.messages,
        schema=triage.schema,
        output_limit=100,
        fallbacks=[{"connection": "spare", "model": "", "on": ["transport", "schema"]}],
    )


def test_a_version_says_whom_to_ask_instead(careful, provider, spare):
    provider.reply_with(Status(401))
    assert answer(careful, {"text": "I was charged twice."}).succeeded
    call = Call.objects.get()
    assert (call.connection, call.connection_answered, call.model_answered) == ("default", "spare", "gpt-6-sol")


def test_a_fallback_to_a_connection_that_is_gone_is_refused_when_the_plan_is_made(careful, provider):
    with pytest.raises(UnknownConnection, match="There is no connection 'spare'"):
        answer(careful, {"text": "I was charged twice."})
    assert provider.requests == []


def test_the_rows_of_a_job_are_asked_of_somebody_else(careful, tickets, provider, spare):
    provider.when(lambda request: len(provider.requests) % 2 == 0, Answer(text="no JSON"))
    provider.when(lambda request: True, GOOD)
    job = start_job(careful, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    assert job.items.count_by_status()["succeeded"] == 20
    fallen = Call.objects.filter(connection_answered="spare")
    assert fallen.count() == len(spare.requests) > 0
    for call in fallen:
        assert [(one["kind"], one["connection"]) for one in call.attempts] == [("schema", "default")]
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, sum(Call.objects.values_list("cost", flat=True)))
    assert job.cost == period.settled


def test_a_job_leaves_a_provider_alone_that_has_just_failed(careful, tickets, provider, spare, settings):
    narrow = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 1}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "default": narrow}}
    cooldown.forget()
    provider.when(lambda request: True, Status(401))
    job = start_job(careful, model_source("helpdesk.Ticket"))
    work(job.pk)
    cooldown.forget()
    job.refresh_from_db()
    assert job.items.count_by_status()["succeeded"] == 20
    assert len(spare.requests) == 20
    assert 3 <= len(provider.requests) < 20
    skipped = Call.objects.filter(connection="spare")
    assert skipped.count() == 20 - len(provider.requests)
    assert skipped.first().attempts == [{"number": 0, "kind": "cooling", "connection": "default"}]

"""The tick that the queue keeps for us, as its own scheduler reads it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from aiops.jobs.models import Job
from aiops.jobs.schedule import NAME
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tick():
    """The tick as migrations leave it."""
    Schedule.objects.all().delete()
    call_command("migrate", verbosity=0)
    return Schedule.objects.get(name=NAME)


def test_the_tick_rings_each_minute_and_leaves_no_row_behind(tick):
    due = timezone.now() - timedelta(seconds=1)
    Schedule.objects.update(next_run=due)
    scheduler(broker=get_broker())
    [message] = OrmQ.objects.all()
    assert (message.task["func"], message.task["args"], message.task["save"]) == ("aiops.jobs.tasks.sweep", (), False)
    tick.refresh_from_db()
    assert tick.next_run == due + timedelta(minutes=1)


def test_a_step_that_fails_keeps_the_sweep_from_no_other(triage, tickets, budget, provider, caplog):
    job = start_job(triage, model_source("helpdesk.Ticket"))
    Job.objects.update(rung_at=None)

    def no_kept_answers(execute, sql, *arguments):
        if "aiops_cachedanswer" in sql:
            raise ValueError("out of range")
        return execute(sql, *arguments)

    with connection.execute_wrapper(no_kept_answers), pytest.raises(ValueError, match="out of range"):
        sweep()
    job.refresh_from_db()
    assert job.rung_at is not None
    assert "the sweep goes on without pruning kept answers" in caplog.text


def test_migrating_again_keeps_one_tick(tick):
    call_command("migrate", verbosity=0)
    assert Schedule.objects.get(name=NAME).pk == tick.pk

"""The tick that the queue keeps for us, as its own scheduler reads it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from aiops.jobs.schedule import NAME

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


def test_migrating_again_keeps_one_tick(tick):
    call_command("migrate", verbosity=0)
    assert Schedule.objects.get(name=NAME).pk == tick.pk

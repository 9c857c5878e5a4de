"""Many processes that end calls at the same time, while others add up: nothing is lost, nobody waits for ever."""

from __future__ import annotations

import pytest
from django.db import connection

from aiops.calls.models import Call
from aiops.calls.rebuild import rebuild
from aiops.calls.spend import Spend
from tests.hammers import Hammers


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_many_processes_end_at_once_adds_up(database_url):
    said = Hammers(5, "tests.spend.hammer", database_url=database_url, windows=60).end()
    # Also while calls were ended: a day is only told to be wrong once nobody writes to it.
    assert [one.get("wrong") for one in said] == [0] * 5
    connection.close()
    assert rebuild(check=True).wrong == []
    counted = sum(Spend.objects.filter(by="all").values_list("calls", flat=True))
    assert counted == Call.objects.exclude(status="sending").count() == Call.objects.count() > 500

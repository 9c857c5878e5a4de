"""A bad day in small: fifty callers, hundreds of faults, on every interface and in every way at once."""

import gc

import pytest

from aiops.calls.models import Call
from aiops.execution.prepare import Prepared
from tests.faults.storm.accounts import faults_in
from tests.faults.storm.callers import Callers
from tests.faults.storm.dealing import Dealer


@pytest.fixture
def both_apis(provider, settings, budget):
    """Connections that speak each interface, under a budget that is large enough."""
    aiops = settings.AIOPS
    default = aiops["CONNECTIONS"]["default"]
    named = {name: {**default, "API": name} for name in ("chat", "responses")}
    settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops["CONNECTIONS"], **named}}
    budget.cap = 10**15
    budget.save()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_fifty_callers_come_through_a_storm_with_every_call_accounted_for(both_apis, provider, seed):
    dealer = Dealer(seed=seed, faults=0.8, slow=0.03)
    provider.when(lambda _: True, dealer)
    callers = Callers(50, deadline=5.0, more=lambda number: number <= 400)
    callers.start()
    assert callers.join(400), "somebody hangs"
    assert dealer.faults > 300
    assert list(faults_in(callers.asked, dealer)) == []
    assert Call.objects.filter(status="succeeded").count() > 50
    # What is kept of a call after its end would be kept of a million calls.
    callers.asked.clear()
    gc.collect()
    left = [one for one in gc.get_objects() if isinstance(one, Prepared)]
    # One or two may hang on in the traceback of the race for the first row of the budget's period.
    assert len([one for one in left if one.plan.connection.alias in ("chat", "responses")]) < 3

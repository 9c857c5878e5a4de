"""Wiring: the models that the rooms own, where Django looks for them."""

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.stops.models import Stop

__all__ = ["Budget", "BudgetPeriod", "Call", "Hold", "Item", "Job", "Stop"]

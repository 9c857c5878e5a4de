"""Wiring: the models that the rooms own, where Django looks for them."""

from aiops.cache.models import Asking, CachedAnswer
from aiops.calls.models import Call
from aiops.calls.spend import Spend
from aiops.catalogue.models import ModelCard, ModelOpinion
from aiops.files.models import UploadedFile
from aiops.jobs.models import Item, Job
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.own_prices import OwnPrice
from aiops.limits.models import Pace
from aiops.stops.models import Stop

__all__ = [
    "Asking",
    "Budget",
    "BudgetPeriod",
    "CachedAnswer",
    "Call",
    "Hold",
    "Item",
    "Job",
    "JobSchedule",
    "ModelCard",
    "ModelOpinion",
    "OwnPrice",
    "Pace",
    "Spend",
    "Stop",
    "UploadedFile",
]

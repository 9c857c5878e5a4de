"""Wiring: the models that the rooms own, where Django looks for them."""

from aiops.cache.models import Asking, CachedAnswer
from aiops.calls.models import Call
from aiops.calls.spend import Spend
from aiops.catalogue.models import ModelCard, ModelOpinion
from aiops.files.models import UploadedFile
from aiops.jobs.models import Heartbeat, Item, Job, Notice, UnreadPart
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
    "Heartbeat",
    "Hold",
    "Item",
    "Job",
    "JobSchedule",
    "ModelCard",
    "ModelOpinion",
    "Notice",
    "OwnPrice",
    "Pace",
    "Spend",
    "Stop",
    "UnreadPart",
    "UploadedFile",
]

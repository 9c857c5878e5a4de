"""Wiring: the pages that the rooms own, where Django's admin looks for them."""

from aiops.cache.admin import CachedAnswerAdmin
from aiops.calls.admin import CallAdmin
from aiops.catalogue.admin import ModelCardAdmin
from aiops.dashboard.admin import SpendAdmin
from aiops.files.admin import UploadedFileAdmin
from aiops.health.admin import HealthAdmin
from aiops.jobs.admin import BatchAdmin, ItemAdmin, JobAdmin, of_prompts
from aiops.jobs.admin.queue import for_superusers_alone
from aiops.jobs.run_page import RunPromptMixin
from aiops.jobs.schedules.admin import JobScheduleAdmin
from aiops.ledger.admin import BudgetAdmin
from aiops.ledger.own_prices_admin import OwnPriceAdmin
from aiops.stops.admin import StopAdmin

__all__ = [
    "BatchAdmin",
    "BudgetAdmin",
    "CachedAnswerAdmin",
    "CallAdmin",
    "HealthAdmin",
    "ItemAdmin",
    "JobAdmin",
    "JobScheduleAdmin",
    "ModelCardAdmin",
    "OwnPriceAdmin",
    "RunPromptMixin",
    "SpendAdmin",
    "StopAdmin",
    "UploadedFileAdmin",
]

of_prompts.extend()
for_superusers_alone()

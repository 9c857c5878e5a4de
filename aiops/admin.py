"""Wiring: the pages that the rooms own, where Django's admin looks for them."""

from aiops.calls.admin import CallAdmin
from aiops.jobs.admin import ItemAdmin, JobAdmin, of_prompts
from aiops.jobs.run_page import RunPromptMixin
from aiops.ledger.admin import BudgetAdmin
from aiops.stops.admin import StopAdmin

__all__ = ["BudgetAdmin", "CallAdmin", "ItemAdmin", "JobAdmin", "RunPromptMixin", "StopAdmin"]

of_prompts.extend()

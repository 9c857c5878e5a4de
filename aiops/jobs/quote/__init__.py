"""What a job would ask, cost and take, before anything is sent."""

from __future__ import annotations

from aiops.jobs.quote.budgets import BudgetLeft
from aiops.jobs.quote.quote import Quote, quote

__all__ = ["BudgetLeft", "Quote", "quote"]

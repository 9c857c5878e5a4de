"""The pages of jobs and their items."""

from aiops.jobs.admin.batches import BatchAdmin
from aiops.jobs.admin.items import ItemAdmin
from aiops.jobs.admin.jobs import JobAdmin

__all__ = ["BatchAdmin", "ItemAdmin", "JobAdmin"]

"""The pages of jobs and their items."""

from aiops.jobs.admin.items import ItemAdmin
from aiops.jobs.admin.jobs import JobAdmin

__all__ = ["ItemAdmin", "JobAdmin"]

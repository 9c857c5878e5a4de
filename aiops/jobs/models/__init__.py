"""A prompt over many rows: the job, and an item for each row."""

from aiops.jobs.models.batch import Batch, BatchQuerySet
from aiops.jobs.models.ends import Ends
from aiops.jobs.models.heartbeat import Heartbeat
from aiops.jobs.models.item import Item, ItemQuerySet
from aiops.jobs.models.job import Job, JobQuerySet
from aiops.jobs.models.notice import Notice
from aiops.jobs.models.priority import Priority
from aiops.jobs.models.slice import JobSlice
from aiops.jobs.models.unread_part import UnreadPart

__all__ = [
    "Batch",
    "BatchQuerySet",
    "Ends",
    "Heartbeat",
    "Item",
    "ItemQuerySet",
    "Job",
    "JobQuerySet",
    "JobSlice",
    "Notice",
    "Priority",
    "UnreadPart",
]

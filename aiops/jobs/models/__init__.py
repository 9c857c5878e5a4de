"""A prompt over many rows: the job, and an item for each row."""

from aiops.jobs.models.batch import Batch, BatchQuerySet
from aiops.jobs.models.item import Item, ItemQuerySet
from aiops.jobs.models.job import Job, JobQuerySet

__all__ = ["Batch", "BatchQuerySet", "Item", "ItemQuerySet", "Job", "JobQuerySet"]

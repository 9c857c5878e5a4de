"""Why a schedule cannot run. Each is found when it is saved, as far as it can be known then.

ScheduleError
└── BadTime       no cron expression, no time zone, or a time that never comes
"""

from __future__ import annotations

from aiops.jobs.errors import JobError


class ScheduleError(JobError):
    """`str(error)` is one sentence for people."""


class BadTime(ScheduleError):
    def __init__(self, message: str, field: str) -> None:
        """
        Args:
            field: of the schedule, in which it was said.
        """
        super().__init__(message)
        self.field = field

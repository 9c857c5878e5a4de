"""What can go wrong with a job as a whole; what goes wrong with a row is said on its item.

JobError
├── JobRefused      it was not started: one sentence, nothing half-made
└── WrongState      it cannot be stopped, resumed or retried as it stands now
"""

from __future__ import annotations


class JobError(Exception):
    """`str(error)` is one sentence for people."""


class JobRefused(JobError):
    pass


class WrongState(JobError):
    pass

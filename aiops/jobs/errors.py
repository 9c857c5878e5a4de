"""What can go wrong with a job as a whole; what goes wrong with a row is said on its item.

JobError
├── JobRefused        it was not started: one sentence, nothing half-made
├── WrongState        it cannot be stopped, resumed or retried as it stands now
├── TooManyFailures   it is paused: a person sees what is wrong, and resumes it
├── TooManyFailed     the same, for a share of the rows
└── BatchRefused      it is paused: the provider takes no batch of it as it is
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.calls.remedies import remedy


class JobError(Exception):
    """`str(error)` is one sentence for people."""


class JobRefused(JobError):
    pass


class WrongState(JobError):
    pass


class TooManyFailures(JobError):
    """So many rows failed one after the other that something is wrong with all of them."""

    def __init__(self, count: int, kind: str) -> None:
        """
        Args:
            kind: of the last one's error. Its sentence may quote an answer that not everybody may read.
        """
        words = {"n": f"{count:,}", "kind": kind.replace("_", " "), "remedy": remedy(kind)}
        super().__init__(_("%(n)s rows in a row failed, the last one by “%(kind)s”. %(remedy)s") % words)


class TooManyFailed(JobError):
    """So many of the rows failed that people should look at them before others are paid for."""

    def __init__(self, failed: int, ended: int, kind: str) -> None:
        """
        Args:
            kind: of the last one's error.
        """
        words = {"failed": f"{failed:,}", "ended": f"{ended:,}", "kind": kind.replace("_", " "), "remedy": remedy(kind)}
        super().__init__(
            _("%(failed)s of the last %(ended)s rows failed, the latest by “%(kind)s”. %(remedy)s") % words
        )


class BatchRefused(JobError):
    """The provider would not take a batch, and will not take the next one."""

    def __init__(self, why: str) -> None:
        text = _("The provider took no batch: %(why)s Mend that and resume, or run the rest live.")
        super().__init__(text % {"why": why})

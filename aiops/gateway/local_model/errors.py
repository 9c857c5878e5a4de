"""What can go wrong with the local model.

LocalModelError
├── NotOnThisMachine   its server does not run here; something else has to answer
├── NoModelFile        there is no such file, or it is no model
├── FetchFailed        the file could not be had, or is not the one that was meant
├── AlreadyRunning     another one runs, and not as asked
├── DidNotStart        it was started and ended by itself, or did not answer in time
└── DidNotStop
"""

from __future__ import annotations


class LocalModelError(Exception):
    """`str(error)` is one sentence for people, with the remedy."""

    exit_code = 1
    """What the command ends with."""


class NotOnThisMachine(LocalModelError):
    exit_code = 3


class NoModelFile(LocalModelError):
    exit_code = 2


class FetchFailed(LocalModelError):
    pass


class AlreadyRunning(LocalModelError):
    exit_code = 2


class DidNotStart(LocalModelError):
    pass


class DidNotStop(LocalModelError):
    pass

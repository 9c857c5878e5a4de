"""Why nothing can be compared.

ReconciliationError
├── UnreadableBill       what the provider has told, or exported, makes no sense
└── NothingToCompare     no days, or a connection that never was
"""

from __future__ import annotations


class ReconciliationError(Exception):
    """`str(error)` is one sentence with the remedy."""


class UnreadableBill(ReconciliationError):
    pass


class NothingToCompare(ReconciliationError):
    pass

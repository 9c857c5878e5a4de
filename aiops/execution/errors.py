"""Why a call is not even begun.

NotAsked
├── ForbiddenParameter   parameters would change the price or the shape of the answer
├── UnknownParameter     the connection's interface has no place for a parameter
└── InTransaction        somebody's open transaction could undo the record

Beside these, rendering (`prompts.errors`), connections (`aiops.gateway.connections`), money (`aiops.ledger.errors`),
the settings (`aiops.options`) and whoever stopped every call (`aiops.stops.errors`) refuse with errors of their own;
`REFUSALS` names them all.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.gateway.connections import ConnectionProblem
from aiops.ledger.errors import LedgerError
from aiops.options import InvalidOption
from aiops.stops.errors import Stopped
from prompts.errors import PromptError


class NotAsked(Exception):
    """`str(error)` is one sentence with the remedy; nothing was sent and nothing was spent."""


class ForbiddenParameter(NotAsked):
    def __init__(self, name: str) -> None:
        super().__init__(
            _("The parameter “%(name)s” may not be set in a version: take it out of its parameters.") % {"name": name}
        )


class UnknownParameter(NotAsked):
    def __init__(self, name: str, connection: str) -> None:
        super().__init__(
            _(
                "The connection “%(connection)s” speaks Responses, which has no parameter “%(name)s”: "
                'leave it out, or give the connection the option API="chat".'
            )
            % {"name": name, "connection": connection}
        )


class InTransaction(NotAsked):
    def __init__(self) -> None:
        super().__init__(
            _(
                "A call may not be made inside a transaction, which could undo its record: call after the `atomic` "
                'block, in `transaction.on_commit`, or set AIOPS["IN_TRANSACTION"] = "allow".'
            )
        )


REFUSALS = (NotAsked, PromptError, ConnectionProblem, LedgerError, InvalidOption, Stopped)
"""Everything that may refuse a call before it is made."""

AttemptRefused = LedgerError | Stopped
"""Why a call that is prepared may not leave, or not once more."""

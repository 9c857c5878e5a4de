"""Why a call is not even begun.

NotAsked
├── ForbiddenParameter   parameters would change the price or the shape of the answer
└── UnknownParameter     the connection's interface has no place for a parameter

Beside these, rendering (`prompts.errors`), an open transaction (`aiops.durable`), connections
(`aiops.gateway.connections`), money (`aiops.ledger.errors`) and the settings (`aiops.options`) refuse with errors of
their own; `REFUSALS` names them all.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.durable import InTransaction
from aiops.gateway.connections import ConnectionProblem
from aiops.ledger.errors import LedgerError
from aiops.options import InvalidOption
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


REFUSALS = (NotAsked, InTransaction, PromptError, ConnectionProblem, LedgerError, InvalidOption)
"""Everything that may refuse a call before it is made."""

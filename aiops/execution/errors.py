"""Why a call is not even begun.

NotAsked
├── ForbiddenParameter   parameters would change the price or the shape of the answer
├── MayNotLeave          something was found that may not leave, and cannot be taken out here
├── UnknownParameter     the connection's interface has no place for a parameter
└── UnpricedParameter    nobody knows what a call costs with it, and a budget is in force

Beside these, rendering (`prompts.errors`), an open transaction (`aiops.durable`), connections
(`aiops.gateway.connections`), money (`aiops.ledger.errors`), what may not leave (`aiops.redaction.errors`), who may use
a model (`aiops.catalogue.errors`), the settings (`aiops.options`) and whoever stopped every call
(`aiops.stops.errors`) refuse with errors of their own; `REFUSALS` names them all.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.cache.errors import CacheError
from aiops.catalogue.errors import CatalogueError, ModelRestricted
from aiops.durable import InTransaction
from aiops.gateway.connections import ConnectionProblem
from aiops.ledger.errors import LedgerError
from aiops.options import InvalidOption
from aiops.redaction.errors import RedactionError
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


class MayNotLeave(NotAsked):
    def __init__(self, kinds: str) -> None:
        super().__init__(
            _(
                "What is to be sent holds what may not leave (%(kinds)s) and cannot be taken out here: "
                "ask with a method of the client that sends text, or leave it out."
            )
            % {"kinds": kinds}
        )


class UnpricedParameter(NotAsked):
    def __init__(self, name: str) -> None:
        super().__init__(
            _(
                "Nobody here knows what a call with “%(name)s” costs at most, so no budget can hold for it: "
                "leave it out, or switch the budgets off that hold for such calls."
            )
            % {"name": name}
        )
        self.name = name


REFUSALS = (
    NotAsked,
    InTransaction,
    PromptError,
    ConnectionProblem,
    LedgerError,
    InvalidOption,
    RedactionError,
    CacheError,
    CatalogueError,
    Stopped,
)
"""Everything that may refuse a call before it is made."""

AttemptRefused = LedgerError | Stopped | ModelRestricted
"""Why a call that is prepared may not leave, or not once more."""

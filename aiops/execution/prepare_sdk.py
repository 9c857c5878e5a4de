"""From what somebody asks with the SDK itself to a call that could be made."""

from __future__ import annotations

from datetime import datetime

from aiops.calls.identity import new_call_id
from aiops.execution.ceiling import ceiling_of
from aiops.execution.prepare import About, Plan, Prepared
from aiops.execution.redacting import require_nothing
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import AnyRequest
from aiops.ledger.prices import FREE, price_of
from aiops.redaction import detectors_of


def prepare_sdk(request: AnyRequest, about: About, connection: Connection, *, priced: bool, now: datetime) -> Prepared:
    """The call: its parameters are the business of whoever asks.

    Args:
        priced: False where nobody here can say what it costs.

    Raises:
        MayNotLeave, RedactionError: it holds what may not leave, or nobody could see whether.
    """
    # Nothing can be taken out here: the SDK would show whoever asked the tokens.
    require_nothing(request, detectors_of(connection))
    price = None
    if request.operation == "moderation":
        price = FREE
    elif priced or connection.free:
        price = price_of(connection, request.model, now)
    plan = Plan(connection=connection, model=request.model, price=price)
    ceiling = ceiling_of(plan, request.most())
    return Prepared(call_id=new_call_id(), plan=plan, request=request, about=about, ceiling=ceiling)

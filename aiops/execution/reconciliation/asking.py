"""The bill as the provider's own interface tells it."""

from __future__ import annotations

from datetime import date

from aiops.execution.reconciliation.bill import Bill, lines_of
from aiops.execution.reconciliation.names import NameOf
from aiops.gateway.connections import Connection
from aiops.gateway.organization import COSTS, USAGE, organization_pages


def asked_bill(connection: Connection, name_of: NameOf, *, since: date, until: date) -> Bill:
    """Ask for what was billed, and for what was counted, on these days, the last one included. It costs nothing.

    Raises:
        MissingAdminKey: the environment has no key for it.
        GatewayError: no bill came.
        UnreadableBill: what came is none.
    """
    bill = Bill()
    for what in (COSTS, *USAGE):
        for page in organization_pages(connection, what, since=since, until=until):
            bill.add(lines_of(page), name_of)
    return bill

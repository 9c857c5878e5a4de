"""What all calls of a batch have in common."""

from __future__ import annotations

from aiops.execution.prepare import Plan
from aiops.files.source import PROVIDERS_MOST
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Request


def most_bytes(connection: Connection) -> int:
    """Bytes that the file of a batch may have."""
    return min(connection.batch_bytes, PROVIDERS_MOST)


def any_request(plan: Plan) -> Request:
    """One like those of the plan: it says at which address they are answered, and how the answers are read."""
    return Request(connection=plan.connection.alias, model=plan.model, messages=(), output_limit=1)

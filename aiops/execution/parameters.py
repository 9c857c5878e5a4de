"""Which parameters a call may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiops.execution.errors import ForbiddenParameter, UnknownParameter
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.responses_input import not_taken

DEARER = frozenset({"best_of", "service_tier", "prediction", "modalities", "audio", "web_search_options"})
"""Would cost what no hold foresees."""


def require_parameters(parameters: Mapping[str, Any], connection: Connection) -> None:
    """See that a hold can be made for a request with these parameters, and that the connection knows them.

    Raises:
        ForbiddenParameter: they would cost what no hold foresees.
        UnknownParameter: the connection's interface has no place for one.
    """
    for name in parameters:
        if name in DEARER:
            raise ForbiddenParameter(name)
    if connection.api == "responses" and (unknown := not_taken(parameters)):
        raise UnknownParameter(unknown[0], connection.alias)

"""What tells a provider that requests begin alike, so that it reads that beginning once, and charges less for it."""

from __future__ import annotations

from aiops.gateway.connection import Connection
from aiops.gateway.request import Request


def prompt_cache(request: Request, connection: Connection) -> dict[str, str]:
    """The parameter for it; none where the provider is not known to take it: others refuse what they do not know."""
    if not request.prompt_cache_key or not connection.knows_prompt_cache_key:
        return {}
    return {"prompt_cache_key": request.prompt_cache_key}

"""Whether there is anybody at a connection's address: a look at the door, without asking anything."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiops.gateway.connections import Connection, ConnectionProblem

PATIENCE = 3.0
"""Seconds: somebody waits at a form."""


class ProviderDown(ConnectionProblem):
    """Nothing answers at the address. Nothing was sent."""

    def __init__(self, connection: Connection, address: str) -> None:
        start = " (`manage.py local_model start`)" if connection.alias == "local" else ""
        super().__init__(
            f"Nobody answers at {address}, the address of the connection '{connection.alias}': "
            f"see that the server runs{start}, or choose another connection."
        )


def require_reachable(connection: Connection) -> None:
    """See that a connection's server takes connections. Where a proxy stands between, that is not looked through.

    Raises:
        ProviderDown: it does not.
    """
    url = urlsplit(connection.azure_endpoint or connection.base_url)
    host = url.hostname or ""
    if url.scheme in getproxies() and not proxy_bypass(host):
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=min(PATIENCE, connection.connect_timeout)).close()
    except OSError as error:
        raise ProviderDown(connection, f"{host}:{port}") from error

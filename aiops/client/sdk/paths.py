"""What is asked for at which address of a provider."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Dialect, chat, decisions, embeddings, moderations, responses, speech, transcriptions

OPERATIONS: Mapping[str, tuple[str, Dialect]] = {
    chat.PATH: ("completion", chat),
    responses.PATH: ("completion", responses),
    embeddings.PATH: ("embedding", embeddings),
    moderations.PATH: ("moderation", moderations),
    transcriptions.PATH: ("transcription", transcriptions),
    speech.PATH: ("speech", speech),
    decisions.PATH: ("decision", decisions),
}
"""Path → the word of the log for what is asked there, and who reads the answer."""

OTHER = "other"
"""The word for what is asked anywhere else: nobody here can read it, or say what it costs."""

KEPT_THERE = ("/conversations", "/files", "/uploads", "/vector_stores")
"""Below these the provider only keeps what it is given."""

ENDINGS = ("/cancel", "/pause", "/input_tokens")
"""Last parts of paths where something is stopped or counted."""

DEPLOYMENTS = "/deployments/"
"""Azure's dated interface: `/openai/deployments/NAME/chat/completions`."""


def path_of(request: httpx2.Request, connection: Connection) -> str:
    """The path below the connection's address."""
    path = request.url.path.rstrip("/")
    if connection.azure_endpoint and DEPLOYMENTS in path:
        return "/" + path.partition(DEPLOYMENTS)[2].partition("/")[2]
    base = httpx2.URL(connection.base_url).path.rstrip("/")
    if connection.api_version:
        base = base.removesuffix("/v1")
    return path.removeprefix(base)


def deployment_of(request: httpx2.Request, connection: Connection) -> str:
    """The deployment in the address; empty where there is none."""
    if not connection.azure_endpoint:
        return ""
    return request.url.path.partition(DEPLOYMENTS)[2].partition("/")[0]


def asks_a_model(request: httpx2.Request, connection: Connection) -> bool:
    """Whether it is a call: everything that is posted, unless it is known to ask nothing of a model."""
    path = path_of(request, connection)
    if request.method != "POST" or path.endswith(ENDINGS):
        return False
    return not any(path == kept or path.startswith(f"{kept}/") for kept in KEPT_THERE)

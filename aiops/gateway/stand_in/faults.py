"""The mix of what goes wrong that `StandIn(faults=0.1)` deals out."""

from __future__ import annotations

from aiops.gateway.stand_in.broken_bodies import CutBody, CutJson, WrongContentType
from aiops.gateway.stand_in.broken_connections import Disconnect
from aiops.gateway.stand_in.broken_streams import CutStream
from aiops.gateway.stand_in.replies import EmptyChoices, Failed, Filtered, Length, Refusal, Reply
from aiops.gateway.stand_in.statuses import Html, Status

FAULTS: tuple[Reply, ...] = (
    Status(429, retry_after="0"),
    Status(429, retry_after="0.05"),
    Status(500),
    Status(503),
    Disconnect(),
    CutBody(),
    CutStream(after_chunks=2),
    CutJson(),
    Html(),
    Html(status=502),
    WrongContentType(),
    Refusal(),
    Length(),
    Filtered(),
    EmptyChoices(),
    Failed(),
)
"""What a provider does on a bad day, but for what takes long: add `Hang(…)` and `Drip(…)` by `fault_kinds`."""

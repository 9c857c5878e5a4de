"""The stand-in provider: a real HTTP server that speaks OpenAI's API, for tests and benchmarks without a provider.

In tests, as a pytest fixture (`pytest_plugins = ["aiops.gateway.testing"]`) or by hand:

    def test_a_bad_day(provider):
        provider.reply_with(Status(429, retry_after="3"), Answer(data={"category": "card"}))

As a process, which prints its address and ends on SIGTERM:

    python -m aiops.gateway.testing --port 0 --latency 0.5 --seed 1

PYTEST_DONT_REWRITE: it may be imported before pytest loads it as a plugin.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from aiops.gateway.stand_in.batch_desk import BatchDesk, BatchFate, BatchFault
from aiops.gateway.stand_in.broken_bodies import CutBody, CutJson, Drip, WrongContentType
from aiops.gateway.stand_in.broken_connections import Disconnect, HalfClosed, Hang
from aiops.gateway.stand_in.broken_streams import CutStream, Ending, Events
from aiops.gateway.stand_in.deep import Deep
from aiops.gateway.stand_in.faults import FAULTS, SLOW_FAULTS
from aiops.gateway.stand_in.floods import Flood
from aiops.gateway.stand_in.received import Received, ReceivedFile
from aiops.gateway.stand_in.redirects import Redirect
from aiops.gateway.stand_in.replies import Answer, EmptyChoices, Failed, Filtered, Length, Refusal, Reply
from aiops.gateway.stand_in.statuses import Html, Raw, Status
from aiops.gateway.stand_in.threaded import MODEL, StandIn
from aiops.gateway.stand_in.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FAULTS",
    "SLOW_FAULTS",
    "Answer",
    "BatchDesk",
    "BatchFate",
    "BatchFault",
    "CutBody",
    "CutJson",
    "CutStream",
    "Deep",
    "Disconnect",
    "Drip",
    "EmptyChoices",
    "Ending",
    "Events",
    "Failed",
    "Filtered",
    "Flood",
    "HalfClosed",
    "Hang",
    "Html",
    "Length",
    "Raw",
    "Received",
    "ReceivedFile",
    "Redirect",
    "Refusal",
    "Reply",
    "StandIn",
    "Status",
    "Totals",
    "WrongContentType",
]

# A process that serves needs no pytest, and where pytest loads this as a plugin it is there already.
if "pytest" in sys.modules:
    import pytest

    @pytest.fixture
    def provider(settings: Any) -> Iterator[StandIn]:
        """A stand-in provider that the connection `default` leads to, for the time of one test."""
        from aiops.gateway.clients import close_sync_clients

        with StandIn() as stand_in:
            aiops = getattr(settings, "AIOPS", {})
            default = {
                "BASE_URL": stand_in.base_url,
                "API_KEY": "stand-in",
                "MODEL": MODEL,
                "PROVIDER": "openai",
            }
            settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops.get("CONNECTIONS", {}), "default": default}}
            yield stand_in
            # Else each test would leave open connections to a provider that is gone.
            close_sync_clients()


if __name__ == "__main__":
    from aiops.gateway.stand_in.process import main

    sys.exit(main())

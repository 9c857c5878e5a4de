"""For tests of code that asks models: a provider inside the test's own process. No network, nothing patched.

    pytest_plugins = ["aiops.testing"]                      # in conftest.py

    def test_a_ticket_is_summed_up(openai_stand_in):
        openai_stand_in.reply_with("A card that never came.")
        ...
        openai_stand_in.assert_asked_once(text="card")

Without pytest: `with stand_in() as provider:`, or `provider = self.enterContext(stand_in())` in `setUp`.

PYTEST_DONT_REWRITE: it may be imported before pytest loads it as a plugin.
"""

from __future__ import annotations

import sys

from aiops.gateway.testing import (
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Deep,
    Disconnect,
    Drip,
    EmptyChoices,
    Ending,
    Events,
    Failed,
    Filtered,
    Flood,
    HalfClosed,
    Hang,
    Html,
    Length,
    Raw,
    Redirect,
    Refusal,
    Reply,
    Status,
    WrongContentType,
)
from aiops.testing.asked import Asked
from aiops.testing.provider import Provider, Rule
from aiops.testing.stand_in import stand_in

__all__ = [
    "Answer",
    "Asked",
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
    "Provider",
    "Raw",
    "Redirect",
    "Refusal",
    "Reply",
    "Rule",
    "Status",
    "WrongContentType",
    "stand_in",
]

# A test case of unittest needs no pytest, and where pytest loads this as a plugin it is there already.
if "pytest" in sys.modules:
    from aiops.testing.plugin import openai_stand_in, pytest_configure, pytest_runtest_call

    __all__ += ["openai_stand_in", "pytest_configure", "pytest_runtest_call"]

"""Calls of the functions that a request offers."""

from __future__ import annotations

import json
import random

from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import ToolCall
from aiops.gateway.stand_in.seeded import valid_instance


def demanded_call(received: Received, rng: random.Random) -> ToolCall | None:
    """A call with arguments that are valid, where the request leaves no other answer; None where words will do.

    Raises:
        Unanswerable: no arguments are valid.
    """
    choice = received.body.get("tool_choice")
    if choice in (None, "auto", "none"):
        return None
    name = None
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = choice.get("function", choice).get("name")
    elif choice != "required":
        return None
    tools = [tool for tool in received.tools if name in (None, tool["name"])]
    if not tools:
        return None
    tool = rng.choice(tools)
    parameters = tool["parameters"] or {"type": "object", "properties": {}}
    arguments = json.dumps(valid_instance(parameters, rng), ensure_ascii=False)
    return ToolCall(name=tool["name"], arguments=arguments)

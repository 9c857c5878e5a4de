"""What models take and reject, as data: said before anything is sent, not by the provider afterwards.

From OpenAI's documentation and the SDK's types of November 2026. Only OpenAI's own models are known, wherever they are
served; any other model is sent what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiops.gateway.connections import Connection

SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty"})
"""What a model that reasons rejects, unless it is told not to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRules:
    """What one family of models takes."""

    model: str
    reasons: bool = False
    """Whether it thinks before it answers, and then takes no sampling parameters."""

    may_not_reason: bool = False
    """Whether `reasoning_effort` may be `none`, which makes it take them."""

    def rejects(self, parameters: Mapping[str, Any]) -> list[str]:
        """Names among these that the model surely rejects, beside the others; empty where all is well."""
        reasoning = parameters.get("reasoning")
        effort = parameters.get("reasoning_effort") or (
            reasoning.get("effort") if isinstance(reasoning, dict) else None
        )
        # Left to itself, such a model may or may not reason: the provider says so for nothing.
        if not self.reasons or (self.may_not_reason and effort in (None, "none")):
            return []
        return sorted(name for name in SAMPLING & parameters.keys() if parameters[name] not in (None, SAME.get(name)))

    def fitted(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The same parameters, without those that say nothing.

        Raises:
            ValueError: the model rejects one of them.
        """
        rejected = self.rejects(parameters)
        if rejected:
            instead = 'or send reasoning_effort="none"' if self.may_not_reason else "or ask another model"
            raise ValueError(f"The model “{self.model}” takes no {rejected[0]}: leave it out, {instead}.")
        gone = SAMPLING if self.reasons and not self.may_not_reason else frozenset()
        return {name: value for name, value in parameters.items() if value is not None and name not in gone}

    def adapted(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The same parameters, without those that the model may reject: for defaults, which nobody insists on."""
        gone = SAMPLING if self.reasons and parameters.get("reasoning_effort") != "none" else frozenset()
        return {name: value for name, value in parameters.items() if value is not None and name not in gone}


SAME = {"temperature": 1, "top_p": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0}
"""Values that say the same as leaving the parameter out."""

_OWN = r"(?:ft:)?(?:openai/)?"

_FAMILIES = (
    # From gpt-5.1 on a model may be told not to reason.
    (re.compile(_OWN + r"(?:gpt-5\.\d|gpt-[6-9]|gpt-1\d)(?!.*-chat)"), {"reasons": True, "may_not_reason": True}),
    (re.compile(_OWN + r"(?:gpt-5|o\d)(?!.*-chat)"), {"reasons": True}),
)


def rules_of(connection: Connection, model: str) -> ModelRules:
    """The rules of a model over a connection. A server that is no provider's own is sent what it is given."""
    if connection.provider in ("openai", "azure"):
        for pattern, rules in _FAMILIES:
            if pattern.match(model):
                return ModelRules(model=model, **rules)
    return ModelRules(model=model)

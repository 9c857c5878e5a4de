"""From a version and variables to a call that could be made: rendered, priced, named. Nothing is written yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from aiops.calls.identity import new_call_id
from aiops.execution.errors import ForbiddenParameter
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.request import Request
from aiops.ledger.prices import Price, price_of
from prompts.models import PromptVersion
from prompts.rendering import RenderedPrompt, render

DEARER = frozenset({"best_of", "service_tier", "prediction", "modalities", "audio", "web_search_options"})
"""Would cost what no hold foresees."""

OVERHEAD = 16
"""Tokens beyond its text that a message, or the request around them, may be counted as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who asks, and about what; kept with the call."""

    user_id: Any = None
    job_id: int | None = None
    item_id: int | None = None
    row_type_id: int | None = None
    row_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is the same for every row that one version is asked about over one connection."""

    version: PromptVersion
    connection: Connection
    model: str
    price: Price | None
    """None: nobody knows."""

    @cached_property
    def schema(self) -> Mapping[str, Any] | None:
        return self.version.schema.body if self.version.schema else None

    @cached_property
    def schema_name(self) -> str:
        return self.version.schema.schema.name if self.version.schema else ""

    @cached_property
    def fixed_size(self) -> int:
        """Tokens that what goes with the messages may count as, at most: models are shown schemas and tools as well."""
        structures = [value for value in self.version.parameters.values() if isinstance(value, dict | list)]
        return sum(len(json.dumps(part).encode()) for part in (self.schema, *structures) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A call that could be made."""

    call_id: UUID
    plan: Plan
    request: Request
    about: About
    ceiling: int | None
    """Nano-dollars that one attempt can cost at most; None when the price is unknown."""


def make_plan(version: PromptVersion, *, connection: str = "", model: str = "", now: datetime) -> Plan:
    """Settle what a version will be asked of, and what that costs.

    Args:
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.

    Raises:
        ConnectionProblem: the alias is unknown, or its key is missing.
        ForbiddenParameter: the version's parameters cannot be held for.
    """
    for name in version.parameters:
        if name in DEARER:
            raise ForbiddenParameter(name)
    found = get_connection(connection or version.connection)
    found.require_key()
    asked = model or (version.model if found.alias == get_connection(version.connection).alias else "") or found.model
    return Plan(version=version, connection=found, model=asked, price=price_of(found, asked, now))


def prepare(plan: Plan, variables: Mapping[str, object], about: About) -> Prepared:
    """Render one call.

    Raises:
        PromptError: the variables do not fit the version.
    """
    version = plan.version
    rendered = render(version, variables)
    request = Request(
        connection=plan.connection.alias,
        model=plan.model,
        messages=rendered.messages,
        output_limit=version.output_limit,
        parameters=version.parameters,
        schema=plan.schema,
        schema_name=plan.schema_name,
    )
    return Prepared(
        call_id=new_call_id(),
        plan=plan,
        request=request,
        about=about,
        ceiling=plan.price.ceiling(most_input_tokens(rendered, plan), version.output_limit) if plan.price else None,
    )


def most_input_tokens(rendered: RenderedPrompt, plan: Plan) -> int:
    """An upper bound of the input tokens: no tokenizer makes more of a text than it has UTF-8 bytes."""
    return rendered.size + plan.fixed_size + OVERHEAD * (len(rendered.messages) + 1)

"""From a version and variables, or a request, to a call that could be made: priced, named. Nothing is written yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from aiops.cache.answers import CachedCompletion
from aiops.calls.identity import new_call_id
from aiops.execution.ceiling import ceiling_of, most_input_tokens
from aiops.execution.fallbacks import Fallback, fallbacks_from, usable_by
from aiops.execution.parameters import require_parameters
from aiops.execution.past_outputs import usual_most
from aiops.execution.redacting import redacted
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.dialects import AnyRequest, Request
from aiops.gateway.model_rules import rules_of
from aiops.gateway.retry import RetryPolicy
from aiops.gateway.sizes import SCHEMA_IN_WORDS
from aiops.gateway.usage import Usage
from aiops.ledger.batch_prices import batch_price_of
from aiops.ledger.prices import BATCH, FREE, Price, price_of
from aiops.ledger.scopes import ChargedTo
from aiops.options import options
from aiops.redaction import Detector, Restorer, detectors_of
from aiops.redaction.restore import NOTHING
from prompts.models import PromptVersion
from prompts.rendering import render

Check = Callable[[str], tuple[Any, list[str]]]
"""Takes an answer apart: gives its data, and a sentence for each thing that is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who asks, and about what; kept with the call."""

    user_id: Any = None
    job_id: int | None = None
    item_id: int | None = None
    row_type_id: int | None = None
    row_key: str = ""
    purpose: str = ""
    """What the shop's code wants it for: the dotted name of what asked, or words of its own."""

    follows: UUID | None = None
    """The call whose answer was no good, and led to this one."""

    batch_id: int | None = None
    """The batch that it is a line of."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is the same for every row that one version is asked about over one connection."""

    connection: Connection
    model: str
    price: Price | None
    """None: nobody knows."""

    tier: str = ""
    """What it is asked in, and billed by: `BATCH`, or empty for the usual."""

    version: PromptVersion | None = None
    """None: the shop's own code asks, in its own words."""

    schema: Mapping[str, Any] | None = None
    schema_name: str = ""
    check: Check | None = None
    """Judges an answer instead of the schema."""

    fallbacks: tuple[Fallback, ...] = ()
    """Whom to ask instead, in order."""

    retry: RetryPolicy | None = None
    """How patiently it is sent again; None for what is usual with the connection."""

    reusable_for: int = 0
    """Seconds that an answer may be given again to the same question; 0: never."""

    usual_output: int | None = None
    """Tokens of output that are held for, where `HOLD` is `p95` and enough answers are known; None: the limit."""

    @cached_property
    def detectors(self) -> tuple[Detector, ...]:
        """What looks for that which may not leave over the connection.

        Raises:
            InvalidDetector: the settings name one that cannot be used.
        """
        return detectors_of(self.connection)

    @cached_property
    def shown_beside(self) -> tuple[Any, ...]:
        """What models are shown with the messages: schema and tools."""
        parameters = self.version.parameters if self.version else {}
        structures = [value for value in parameters.values() if isinstance(value, dict | list)]
        return tuple(part for part in (self.schema, *structures) if part)

    @property
    def words_for_schema(self) -> int:
        """Tokens beyond its own that the schema may count as, where it is told in words."""
        return 0 if self.schema is None or self.connection.supports_json_schema else SCHEMA_IN_WORDS

    @cached_property
    def fixed_size(self) -> int:
        """Tokens that what goes with the messages may count as, at most."""
        return sum(len(json.dumps(part).encode()) for part in self.shown_beside) + self.words_for_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A call that could be made."""

    call_id: UUID
    plan: Plan
    request: AnyRequest
    about: About
    ceiling: int | None
    """Nano-dollars that are held for an attempt, the most it can cost or as `HOLD` says; None: the price is unknown."""

    restore: Restorer = NOTHING
    """Puts back into the answer what was taken out of the request."""

    unredacted: AnyRequest | None = field(default=None, repr=False)
    """The request as it was, where something was taken out: somebody else to be asked may see more, or less."""

    reused: CachedCompletion | None = None
    """An answer that was paid for before: nothing will be sent."""

    skipped: str = ""
    """The connection that should have been asked, and has just failed for others."""

    @property
    def charged_to(self) -> ChargedTo:
        """Whose budgets count it."""
        return ChargedTo(
            connection=self.request.connection,
            prompt_id=self.plan.version.prompt_id if self.plan.version else None,
            user_id=self.about.user_id,
            job_id=self.about.job_id,
        )


def make_plan(version: PromptVersion, *, connection: str = "", model: str = "", now: datetime) -> Plan:
    """Settle what a version will be asked of, and what that costs.

    Args:
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.

    Raises:
        ConnectionProblem: an alias is unknown, one of a fallback included, or the key is missing.
        NotAsked: the version's parameters cannot be held for, or are not known there.
    """
    found = get_connection(connection or version.connection)
    found.require_key()
    require_parameters(version.parameters, found)
    asked = model or (version.model if found.alias == get_connection(version.connection).alias else "") or found.model
    return Plan(
        version=version,
        connection=found,
        model=asked,
        price=price_of(found, asked, now),
        schema=version.schema.body if version.schema else None,
        schema_name=version.schema.schema.name if version.schema else "",
        reusable_for=version.prompt.reuse_seconds or 0,
        fallbacks=fallbacks_from(version.fallbacks),
        usual_output=usual_most(version.pk, asked) if options().hold == "p95" else None,
    )


def in_batches(plan: Plan, *, now: datetime) -> Plan:
    """The same, asked in batches: at their price, and of nobody else instead."""
    return replace(plan, tier=BATCH, price=batch_price_of(plan.connection, plan.model, now), fallbacks=())


def prepare(plan: Plan, variables: Mapping[str, object], about: About) -> Prepared:
    """Render one call.

    Raises:
        PromptError: the variables do not fit the version.
    """
    version = plan.version
    if version is None:
        raise TypeError("A plan without a version has nothing to render.")
    rendered = render(version, variables)
    limit = plan.connection.output_limit_for(version.output_limit)
    request = Request(
        connection=plan.connection.alias,
        model=plan.model,
        messages=rendered.messages,
        output_limit=limit,
        parameters=version.parameters,
        schema=plan.schema,
        schema_name=plan.schema_name,
        prompt_cache_key=f"aiops-version-{version.pk}",
    )
    if plan.detectors:
        return _without(request, plan, about, new_call_id())
    return Prepared(
        call_id=new_call_id(),
        plan=plan,
        request=request,
        about=about,
        ceiling=ceiling_of(plan, Usage(input_tokens=most_input_tokens(rendered, plan), output_tokens=limit)),
    )


def prepare_request(
    request: AnyRequest,
    about: About,
    *,
    check: Check | None = None,
    fallbacks: tuple[Fallback, ...] = (),
    retry: RetryPolicy | None = None,
    reusable_for: int = 0,
    now: datetime,
) -> Prepared:
    """A call out of a request that the shop's own code has made.

    Args:
        check: judges the answer instead of the request's schema.
        fallbacks: whom to ask instead, in order.
        retry: how patiently it is sent again; None for what is usual with the connection.
        reusable_for: seconds that an answer may be given again to the same question; 0: never.

    Raises:
        ConnectionProblem: the alias is unknown, or its key is missing.
        NotAsked: its parameters cannot be held for, or are not known there.
    """
    connection = get_connection(request.connection)
    connection.require_key()
    require_parameters(request.settings(), connection)
    # The provider looks at what breaks its rules for nothing.
    price = FREE if request.operation == "moderation" else price_of(connection, request.model, now)
    plan = Plan(
        connection=connection,
        model=request.model,
        price=price,
        schema=request.schema if isinstance(request, Request) else None,
        schema_name=request.schema_name if isinstance(request, Request) else "",
        check=check,
        fallbacks=usable_by(about.user_id, fallbacks, connection),
        retry=retry,
        reusable_for=reusable_for,
    )
    return _without(request, plan, about, new_call_id())


def _without(request: AnyRequest, plan: Plan, about: About, call_id: UUID) -> Prepared:
    """The call, without what may not leave."""
    leaving, restore = redacted(request, plan.detectors)
    return Prepared(
        call_id=call_id,
        plan=plan,
        request=leaving,
        about=about,
        ceiling=ceiling_of(plan, leaving.most()),
        restore=restore,
        unredacted=None if leaving is request else request,
    )


def instead(prepared: Prepared, fallback: Fallback, *, now: datetime) -> Prepared:
    """The same call, asked of somebody else.

    Raises:
        ConnectionProblem: the alias is unknown, or its key is missing.
        NotAsked: its parameters cannot be held for, or are not known there.
    """
    connection = get_connection(fallback.connection or prepared.request.connection)
    connection.require_key()
    model = fallback.model or connection.model
    meant = prepared.unredacted or prepared.request
    if not isinstance(meant, Request):
        raise TypeError("Only questions have somebody else to be asked.")
    require_parameters(meant.parameters, connection)
    rules = rules_of(connection, model)
    # They were chosen for another model: better an answer without them than none.
    parameters = rules.adapted(meant.parameters) if rules.rejects(meant.parameters) else meant.parameters
    request = replace(
        meant,
        connection=connection.alias,
        model=model,
        output_limit=connection.output_limit_for(meant.output_limit),
        parameters=parameters,
    )
    price = price_of(connection, model, now)
    plan = replace(prepared.plan, connection=connection, model=model, price=price, usual_output=None)
    return _without(request, plan, prepared.about, prepared.call_id)

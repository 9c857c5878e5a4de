"""One call as it would be made: rendered, priced, and refused where it would be. Nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.prepare import About, Prepared, make_plan, prepare
from aiops.gateway.tokens import TokenCounter, counting_tokens
from aiops.ledger.errors import BudgetRefused, UnpricedModel
from aiops.ledger.money import dollars
from aiops.ledger.periods import periods_of
from aiops.templatetags.aiops_format import count as shown
from prompts.models import PromptVersion
from prompts.rendering import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one call would ask, and cost."""

    prepared: Prepared

    tokens_in: int
    """Counted where the model's tokenizer is at hand, else an estimate; what is shown beside the messages included."""

    output_limit: int

    @property
    def text(self) -> str:
        """The messages for people, each under its role."""
        return "\n\n".join(f"--- {message['role']}\n{message['content']}" for message in self.prepared.request.shown())

    def sentences(self) -> list[str]:
        """Who would be asked, how much, and the most that one attempt can cost."""
        plan = self.prepared.plan
        where = {"model": plan.model, "alias": plan.connection.alias, "name": plan.connection.name}
        size = {"in": shown(self.tokens_in), "out": shown(self.output_limit)}
        return [
            _("%(model)s over %(alias)s (%(name)s)") % where,
            _("about %(in)s tokens in, at most %(out)s out") % size,
            self._cost(),
        ]

    def _cost(self) -> str:
        if self.prepared.ceiling is None:
            return _("at a cost that nobody knows")
        if self.prepared.ceiling == 0:
            return _("free")
        return _("at most %(cost)s an attempt") % {"cost": dollars(self.prepared.ceiling)}

    def as_json(self) -> dict[str, Any]:
        """For scripts; money in nano-dollars."""
        plan, request = self.prepared.plan, self.prepared.request
        return {
            "version": str(plan.version),
            "connection": plan.connection.alias,
            "model": plan.model,
            "messages": list(request.shown()),
            "tokens_in": self.tokens_in,
            "output_limit": self.output_limit,
            "most_cost": self.prepared.ceiling,
        }


def preview(version: PromptVersion, variables: Mapping[str, object], *, connection: str, model: str) -> Preview:
    """Prepare one call as `answer` would.

    Raises:
        aiops.execution.errors.REFUSALS: it would be refused.
    """
    now = timezone.now()
    plan = make_plan(version, connection=connection, model=model, now=now)
    prepared = worst = prepare(plan, variables, About())
    if plan.usual_output is not None:
        worst = prepare(replace(plan, usual_output=None), variables, About())
    for period in periods_of(prepared.charged_to, now):
        if prepared.ceiling is None:
            raise UnpricedModel(plan.model, plan.connection.alias)
        if period.frozen or period.left < prepared.ceiling:
            raise BudgetRefused(period, prepared.ceiling)
    rendered = render(version, variables)

    def count(counter: TokenCounter) -> int:
        beside = sum(counter.of_text(json.dumps(part)) for part in plan.shown_beside)
        return counter.of_messages(rendered.messages) + beside

    tokens = counting_tokens(plan.connection, plan.model, count)
    return Preview(prepared=worst, tokens_in=tokens, output_limit=version.output_limit)

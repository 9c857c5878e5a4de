"""One version, asked once: by the shop's code, a command or a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone

from aiops.execution.about import about
from aiops.execution.call import amake_call, make_call
from aiops.execution.judge import Outcome
from aiops.execution.prepare import About, Prepared, make_plan, prepare
from prompts.models import PromptVersion


def answer(
    version: PromptVersion,
    variables: Mapping[str, object],
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    row: models.Model | None = None,
) -> Outcome:
    """Ask one version once. The call is logged and its money settled, whatever comes of it.

    Args:
        variables: plain data for the templates.
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.
        user: who asks.
        row: which row it is about.

    Returns:
        What came of it; a provider's failure is an outcome, not an exception.

    Raises:
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
    return make_call(_prepared(version, variables, connection, model, about(user, row)))


async def aanswer(
    version: PromptVersion,
    variables: Mapping[str, object],
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    row: models.Model | None = None,
) -> Outcome:
    """As `answer`, without blocking the event loop."""
    return await amake_call(lambda: _prepared(version, variables, connection, model, about(user, row)))


def _prepared(
    version: PromptVersion, variables: Mapping[str, object], connection: str, model: str, about_it: About
) -> Prepared:
    return prepare(make_plan(version, connection=connection, model=model, now=timezone.now()), variables, about_it)

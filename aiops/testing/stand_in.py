"""Leading every connection to a provider inside the test's own process, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiops.gateway.in_process import ENDING, answer_at, withdraw
from aiops.testing.provider import Leftovers, Provider, Unscripted

NOT_KEPT = {
    *("BASE_URL", "TOKENIZER"),
    *("REQUESTS_PER_MINUTE", "TOKENS_PER_MINUTE", "MAX_IN_FLIGHT_OVERALL", "MODEL_LIMITS"),
}
"""Options of a connection that lead to the network, or are counted beyond a test."""


@contextmanager
def stand_in(*, unscripted: Unscripted = "fail", leftovers: Leftovers = "ignore") -> Iterator[Provider]:
    """Every connection of the settings leads to one provider, for as long as the block runs.

    All else that the settings say of a connection holds, its model, its interface, what is redacted; but not its
    limits, which tests of a whole suite would share. A test that is about them sets them inside the block.

    Args:
        unscripted: what becomes of a question that nothing is scripted for: `fail` refuses it and fails the test,
            `answer` gives an answer that fits the schema, the same every time.
        leftovers: what becomes of replies that nobody asked for: `fail` fails the test, `ignore` does not.

    Raises:
        AssertionError: at the end of a block that raised nothing itself: see `unscripted` and `leftovers`.
        ValueError: one of them is something else.
    """
    from django.test import override_settings

    hosts = hosts_by_alias()
    provider = Provider({host: alias for alias, host in hosts.items()}, unscripted=unscripted, leftovers=leftovers)
    with override_settings(AIOPS=settings_for(hosts)), answering(provider, hosts):
        yield provider
    provider.finish()


def hosts_by_alias() -> dict[str, str]:
    """A host within this process for each connection of the settings.

    Raises:
        InvalidOption: the setting is no dictionary.
    """
    from aiops.gateway.connections import connection_options

    hosts: dict[str, str] = {}
    for number, alias in enumerate(connection_options()):
        name = re.sub(r"[^a-z0-9]+", "-", alias.lower()).strip("-")[:50]
        host = f"{name or 'connection'}{ENDING}"
        hosts[alias] = f"{name}-{number}{ENDING}" if host in hosts.values() else host
    return hosts


def settings_for(hosts: Mapping[str, str]) -> dict[str, Any]:
    """The setting `AIOPS` of this moment, each of its connections led to its host."""
    from aiops.gateway.connections import connection_options
    from aiops.options import setting

    connections = {alias: _led(options, hosts[alias]) for alias, options in connection_options().items()}
    # What is shared by all processes of a site is none of a test's business.
    return {**setting(), "CONNECTIONS": connections, "REDIS_URL": None}


@contextmanager
def answering(provider: Provider, hosts: Mapping[str, str]) -> Iterator[None]:
    """The provider answers at these hosts, and nothing that came of earlier tests holds any more.

    Limits begin anew by themselves, with every change of the setting.
    """
    from aiops.execution import cooldown, past_outputs
    from aiops.ledger import own_prices

    cooldown.forget()
    own_prices.forget()
    past_outputs.forget()
    for host in hosts.values():
        answer_at(host, provider.answerer)
    try:
        yield
    finally:
        for host in hosts.values():
            withdraw(host, provider.answerer)
        cooldown.forget()


def _led(options: Mapping[str, Any], host: str) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in NOT_KEPT}
    if kept.get("AZURE_ENDPOINT"):
        return {**kept, "AZURE_ENDPOINT": f"https://{host}", "API_KEY": "stand-in"}
    return {**kept, "BASE_URL": f"https://{host}/v1", "API_KEY": "stand-in"}

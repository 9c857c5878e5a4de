"""The same as a fixture of pytest, beside pytest-django."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from aiops.testing.provider import Provider
from aiops.testing.stand_in import answering, hosts_by_alias, settings_for

PROVIDER = pytest.StashKey[Provider]()


@pytest.fixture
def openai_stand_in(request: pytest.FixtureRequest, settings: Any) -> Iterator[Provider]:
    """Every connection leads to this provider, for the time of one test.

    The mark `openai_stand_in` takes what `stand_in` takes: `@pytest.mark.openai_stand_in(leftovers="fail")`.
    """
    mark = request.node.get_closest_marker("openai_stand_in")
    hosts = hosts_by_alias()
    provider = Provider({host: alias for alias, host in hosts.items()}, **(mark.kwargs if mark else {}))
    # By pytest-django's own fixture: what a test changes with it besides is undone in the right order.
    settings.AIOPS = settings_for(hosts)
    request.node.stash[PROVIDER] = provider
    with answering(provider, hosts):
        yield provider


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "openai_stand_in(unscripted, leftovers): how aiops.testing's provider behaves")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What was not scripted fails the test itself, not its clean-up."""
    result = yield
    provider = item.stash.get(PROVIDER, None)
    if provider is not None:
        provider.finish()
    return result

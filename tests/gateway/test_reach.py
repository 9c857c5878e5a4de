"""A look at the door of a provider, before anything is written."""

import socket

import pytest

from aiops.gateway.connections import connection_from
from aiops.gateway.reach import ProviderDown, require_reachable


def at(url, alias="default"):
    return connection_from(alias, {"BASE_URL": url, "API_KEY": "x"})


def test_a_server_that_listens_is_there_and_is_asked_nothing(provider):
    require_reachable(at(provider.base_url))
    assert provider.requests == []


def test_where_nobody_listens_the_sentence_says_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ProviderDown) as caught:
            require_reachable(at(f"http://{address}/v1", alias="local"))
    assert str(caught.value) == (
        f"Nobody answers at {address}, the address of the connection 'local': "
        "see that the server runs (`manage.py local_model start`), or choose another connection."
    )


def test_a_name_that_does_not_exist_is_nobody():
    with pytest.raises(ProviderDown):
        require_reachable(at("https://no-such-host.invalid/v1"))


def test_behind_a_proxy_the_door_cannot_be_seen_and_is_not_looked_for(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    require_reachable(at("https://no-such-host.invalid/v1"))

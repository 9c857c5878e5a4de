"""A server with models of every kind, and the people of a shop."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import StandIn

MODELS = {
    "gpt-6-luna": None,
    "gpt-4o-mini": "2027-01-14",
    "gpt-5-mini": None,
    "text-embedding-3-small": None,
    "house-model": "2031-05-06",
}


@pytest.fixture
def connect(settings):
    """Lets connections lead to servers: `connect(default=server)`; no others are left."""

    def connect(**servers):
        settings.AIOPS = settings.AIOPS | {
            "CONNECTIONS": {
                alias: {"BASE_URL": server.base_url, "API_KEY": "stand-in", "PROVIDER": "openai"}
                for alias, server in servers.items()
            }
        }

    yield connect
    close_sync_clients()


@pytest.fixture
def server(connect):
    """The server behind `default`."""
    with StandIn(models=MODELS) as server:
        connect(default=server)
        yield server


@pytest.fixture
def group(db):
    return Group.objects.create(name="Research")


@pytest.fixture
def member(group):
    user = User.objects.create_user("member")
    user.groups.add(group)
    return user


@pytest.fixture
def outsider(db):
    return User.objects.create_user("outsider")

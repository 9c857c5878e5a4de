"""A shop with limits: connections to nobody, kept by the database or by Redis."""

from __future__ import annotations

import uuid

import pytest

from aiops.gateway.connections import get_connection
from aiops.limits.keeper import close_keeper
from tests.conftest import REDIS_URL


@pytest.fixture(autouse=True)
def _quiet():
    """No thread outlives its test, nor does its connection to the database."""
    yield
    close_keeper()


@pytest.fixture
def model():
    """A model that no other test has called."""
    return f"model-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def limited(settings):
    """A connection with these limits."""

    def limited(**options):
        aiops = dict(settings.AIOPS)
        redis_url = options.pop("REDIS_URL", None)
        default = aiops["CONNECTIONS"]["default"] | options
        settings.AIOPS = aiops | {"REDIS_URL": redis_url, "CONNECTIONS": {"default": default}}
        return get_connection()

    return limited


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.redis)])
def redis_url(request, transactional_db):
    """Who keeps the limits: the database, or Redis."""
    return REDIS_URL if request.param == "redis" else None

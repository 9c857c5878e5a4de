"""A register that is as it was after each test."""

from __future__ import annotations

import pytest

from aiops.resources import register, unregister


@pytest.fixture
def registered():
    """Register for one test."""
    models = []

    def register_here(model, **resources):
        register(model, **resources)
        models.append(model)

    yield register_here
    for model in models:
        unregister(model)

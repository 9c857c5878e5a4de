"""What was counted, beside the log itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.calls.rebuild import rebuild
from aiops.calls.spend import Spend
from tests.commands.conftest import run as run
from tests.screens.conftest import boss as boss
from tests.screens.conftest import sign_in as sign_in
from tests.screens.conftest import version as version


@pytest.fixture
def agree():
    """Asserts that every day is what its calls add up to, and that so many were counted."""

    def agreed(calls: int) -> None:
        assert not Call.objects.open().exists()
        assert rebuild(since=timezone.localdate() - timedelta(days=400), check=True).wrong == []
        assert sum(Spend.objects.filter(by="all").values_list("calls", flat=True)) == calls == Call.objects.count()

    return agreed


@pytest.fixture
def of():
    """The one row of what calls came to, by something."""

    def row(by: str, key: object = "") -> Spend:
        return Spend.objects.get(by=by, key=str(key))

    return row

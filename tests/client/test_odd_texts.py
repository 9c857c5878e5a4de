"""Texts that not everybody can hold."""

import pytest

from aiops.calls.models import Call
from aiops.gateway.testing import Answer
from aiops.ledger.models import BudgetPeriod

ODD = "NUL \0, half \ud83d, \u2028, \x85 and 💳"
METHODS = {
    "chat_completion": (ODD,),
    "chat_completion_json": (ODD,),
    "create_with_vision": (ODD, b"\x89PNG\r\n\x1a\n" + bytes(60)),
    "embed": (ODD,),
    "speak": (ODD,),
    "moderate": (ODD,),
    "classify": (ODD, {"a": ODD, "b": ""}),
}


@pytest.mark.parametrize("method", METHODS)
def test_an_odd_text_is_asked_about_like_any_other(api, call, provider, method):
    provider.when(
        lambda request: True,
        lambda request: Answer(data={"choice": "A"}) if request.operation in ("chat", "responses") else Answer(),
    )
    call(method, *METHODS[method])
    assert Call.objects.get().status == "succeeded"
    assert BudgetPeriod.objects.get().held == 0
    assert "half" in provider.requests[0].text

"""An answer that sends the client elsewhere: neither the key nor the question goes there."""

import pytest

from aiops import OpenAITransportError, get_openai_client
from aiops.gateway.testing import Redirect, StandIn
from tests.faults.conftest import ASK, closed_row


@pytest.fixture
def canary():
    """Another server, which notes whatever it is sent."""
    with StandIn() as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["elsewhere", "here"])
def test_no_redirect_is_followed(ask, api, provider, canary, status, where):
    to = {"elsewhere": canary, "here": provider}[where].base_url
    path = "chat/completions" if api == "chat" else "responses"
    provider.reply_with(Redirect(to=f"{to}/{path}", status=status))
    with pytest.raises(OpenAITransportError, match="leads elsewhere") as caught:
        ask()
    assert canary.requests == []
    assert len(provider.requests) == 1
    row = closed_row()
    assert (row.status, row.error_kind, row.cost) == ("failed", "bad_request", 0)
    assert (caught.value.status_code, caught.value.retryable) == (status, False)


def test_the_sdk_itself_follows_none_either(api, provider, canary):
    import openai

    provider.reply_with(Redirect(to=f"{canary.base_url}/chat/completions"))
    with pytest.raises(openai.APIStatusError):
        get_openai_client().sdk.chat.completions.create(model="gpt-6-luna", messages=ASK, max_completion_tokens=5)
    assert canary.requests == []
    assert closed_row().status == "failed"

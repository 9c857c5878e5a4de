"""The SDK's own client on Azure, in both forms: the deployment is what people name, its model is what costs."""

import pytest

from tests.client.sdk import ASK, closed


@pytest.fixture
def azure(provider, settings):
    """Makes the default connection one to Azure."""

    def connect(**options):
        endpoint = provider.base_url.removesuffix("/v1")
        default = {"AZURE_ENDPOINT": endpoint, "API_KEY": "k", "MODEL": "gpt-4o-mini", **options}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}

    return connect


@pytest.mark.parametrize("named", ["triage", "gpt-4o-mini"])
@pytest.mark.parametrize(
    ("dated", "path"),
    [("2024-10-21", "/openai/deployments/triage/chat/completions"), ("", "/openai/v1/chat/completions")],
)
def test_a_chat_is_a_call_in_both_forms(use, provider, azure, named, dated, path):
    azure(AZURE_DEPLOYMENT="triage", API_VERSION=dated)
    use(lambda sdk: sdk.chat.completions.create(model=named, messages=ASK))
    row = closed()
    assert (row.operation, row.model_asked, row.status) == ("completion", "gpt-4o-mini", "succeeded")
    assert row.cost > 0
    assert provider.requests[0].path == path
    assert provider.requests[0].body["max_completion_tokens"] == 8192


def test_a_deployment_that_is_named_like_its_model_is_known(use, provider, azure):
    azure(API_VERSION="2024-10-21")
    use(lambda sdk: sdk.embeddings.create(model="text-embedding-3-small", input="one"))
    row = closed()
    assert (row.operation, row.model_asked) == ("embedding", "text-embedding-3-small")
    assert provider.requests[0].path == "/openai/deployments/text-embedding-3-small/embeddings"


@pytest.mark.parametrize("dated", ["2025-04-01-preview", ""])
def test_a_response_is_a_call_in_both_forms(use, azure, dated):
    azure(AZURE_DEPLOYMENT="triage", API_VERSION=dated)
    use(lambda sdk: sdk.responses.create(model="triage", input=ASK))
    row = closed()
    assert (row.operation, row.model_asked, row.status) == ("completion", "gpt-4o-mini", "succeeded")

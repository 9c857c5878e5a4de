"""Where calls go: aliases in the settings, and what becomes of keys."""

import copy
import pickle
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from aiops.gateway.connections import (
    OPTIONS,
    Connection,
    InvalidConnection,
    MissingKey,
    UnknownConnection,
    connection_from,
    connections,
    get_connection,
    options_from_environment,
)

ROOT = Path(__file__).parent.parent.parent
KEY = "sk-canary-0123456789"


@pytest.fixture
def aiops(settings):
    def aiops(**aliases):
        settings.AIOPS = {"CONNECTIONS": aliases}

    return aiops


def test_an_alias_gives_its_connection(aiops):
    aiops(default={"API_KEY": KEY}, spare={"BASE_URL": "https://models.example.com/v1/", "API_KEY": None, "MODEL": "m"})
    spare = get_connection("spare")
    assert (spare.base_url, spare.model, spare.name) == ("https://models.example.com/v1", "m", "models.example.com")
    assert get_connection("").alias == get_connection().alias == "default"
    assert get_connection().name == "OpenAI"
    assert get_connection().model == "gpt-6-luna"
    assert sorted(connections()) == ["default", "spare"]


def test_an_unknown_alias_is_an_error_that_names_those_that_exist(aiops):
    aiops(default={"API_KEY": KEY}, spare={"API_KEY": KEY})
    with pytest.raises(UnknownConnection) as error:
        get_connection("sparse")
    assert str(error.value) == (
        "There is no connection 'sparse': use one of default, spare, or add it to AIOPS['CONNECTIONS']."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"base_url": "x"}, "has an option base_url that does not exist (did you mean BASE_URL?)."),
        ({"API_KEY": 3}, "has API_KEY of type int: it must be str or None."),
        ({"DEADLINE": True}, "has DEADLINE of type bool: it must be int or float."),
        ({"MAX_IN_FLIGHT": 0}, "has MAX_IN_FLIGHT 0: it must be above zero."),
        ({"DEADLINE": float("nan")}, "has DEADLINE nan: it must be above zero."),
        ({"REDACT": "a.b"}, "has REDACT of type str: it must be list or tuple or None."),
        ({"REDACT": ["a.b", 3]}, "has REDACT ['a.b', 3]: it must be a list of texts."),
        ({"API": "telepathy"}, "has API 'telepathy': it must be chat or responses."),
        ({"REQUESTS_PER_MINUTE": 0}, "has REQUESTS_PER_MINUTE 0: it must be above zero."),
        ({"TOKENS_PER_MINUTE": "many"}, "has TOKENS_PER_MINUTE of type str: it must be int or None."),
        ({"MAX_IN_FLIGHT_OVERALL": True}, "has MAX_IN_FLIGHT_OVERALL of type bool: it must be int or None."),
        ({"MODEL_LIMITS": 600}, "has MODEL_LIMITS of type int: it must be a dictionary by model."),
        ({"MODEL_LIMITS": {"m": 600}}, "has MODEL_LIMITS['m'] of type int: it must be a dictionary of limits."),
        (
            {"MODEL_LIMITS": {"m": {"RPM": 600}}},
            "has MODEL_LIMITS['m'] with a limit RPM that does not exist "
            "(there are REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE, MAX_IN_FLIGHT_OVERALL).",
        ),
        (
            {"MODEL_LIMITS": {"m": {"TOKENS_PER_MINUTE": 0}}},
            "has MODEL_LIMITS['m'] with TOKENS_PER_MINUTE 0: it must be a whole number above zero, or None.",
        ),
        ({"BASE_URL": KEY}, "has BASE_URL that is no address: it must begin with https://."),
        ({"BASE_URL": "ftp://example.com"}, "has BASE_URL that is no address: it must begin with https://."),
        ({"BASE_URL": "https://me:pw@example.com/v1"}, "has a key inside BASE_URL: move it to API_KEY."),
        (
            {"OUTPUT_LIMIT_PARAMETER": "limit"},
            "has OUTPUT_LIMIT_PARAMETER 'limit': it must be max_completion_tokens or max_tokens.",
        ),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(aiops, options, sentence):
    aiops(default={"API_KEY": KEY}, spare=options)
    with pytest.raises(InvalidConnection) as error:
        get_connection("spare")
    assert str(error.value) == f"The connection 'spare' {sentence}"


def test_a_connection_that_makes_no_sense_does_not_hide_the_others(aiops):
    aiops(default={"API_KEY": KEY}, spare={"API_KEY": 3})
    assert get_connection("default").api_key == KEY
    with pytest.raises(InvalidConnection):
        connections()


def test_a_key_is_never_shown_nor_pickled(aiops):
    aiops(default={"API_KEY": KEY})
    connection = get_connection()
    assert connection.api_key == KEY
    for shown in (repr(connection), str(connection), f"{connection}", str(pickle.dumps(connection))):
        assert KEY not in shown
    assert pickle.loads(pickle.dumps(connection)) == connection
    assert copy.copy(connection) == connection


def test_a_missing_key_stops_a_call_not_an_import(aiops):
    aiops(default={})
    with pytest.raises(MissingKey) as error:
        get_connection().require_key()
    assert str(error.value) == (
        "The connection 'default' has no key: set OPENAI_API_KEY in the environment, "
        "or point the connection at a server that needs none."
    )


@pytest.mark.parametrize("options", [{"API_KEY": None}, {"API_KEY": KEY}, {"BASE_URL": "http://localhost:1/v1"}])
def test_a_call_may_leave_with_a_key_or_where_none_is_needed(aiops, options):
    aiops(default=options)
    get_connection().require_key()


def test_a_connection_with_limits_can_still_be_a_key(aiops):
    aiops(default={"API_KEY": KEY, "MODEL_LIMITS": {"m": {"REQUESTS_PER_MINUTE": 5, "TOKENS_PER_MINUTE": None}}})
    assert {get_connection(): "a client"}[get_connection()] == "a client"


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"API_KEY": KEY}, "OPENAI_ADMIN_KEY"),
        ({"BASE_URL": "https://eu.api.openai.com/v1", "API_KEY": KEY}, "OPENAI_ADMIN_KEY"),
        ({"API_KEY": KEY, "ADMIN_KEY_VARIABLE": "SHOP_ADMIN_KEY"}, "SHOP_ADMIN_KEY"),
        # Only OpenAI itself may see the key that the environment has for OpenAI.
        ({"BASE_URL": "https://llm.example.com/v1", "API_KEY": KEY}, ""),
        ({"AZURE_ENDPOINT": "https://shop.openai.azure.com", "API_KEY": KEY}, ""),
    ],
)
def test_the_variable_that_holds_the_admin_key(aiops, options, variable):
    aiops(default=options)
    assert get_connection().admin_key_variable == variable


def test_an_admin_key_where_its_name_belongs_is_refused_and_not_repeated(aiops):
    aiops(default={"API_KEY": KEY, "ADMIN_KEY_VARIABLE": "sk-admin-canary"})
    with pytest.raises(InvalidConnection, match="has ADMIN_KEY_VARIABLE that is no name of an environment") as refused:
        get_connection()
    assert "canary" not in str(refused.value)


def test_changed_settings_are_seen_at_once(aiops):
    aiops(default={"MODEL": "a"})
    assert get_connection().model == "a"
    aiops(default={"MODEL": "b"})
    assert get_connection().model == "b"


def test_without_the_setting_the_environment_makes_the_default(settings, monkeypatch):
    del settings.AIOPS
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_MODEL", "gpt-6.1-terra")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://eu.example.com/v1")
    connection = get_connection()
    assert (connection.api_key, connection.model, connection.base_url) == (
        KEY,
        "gpt-6.1-terra",
        "https://eu.example.com/v1",
    )


def test_the_environment_makes_the_default_beside_other_connections(aiops, monkeypatch):
    aiops(spare={"API_KEY": None})
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://shop.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "luna-in-sweden")
    connection = get_connection()
    assert (connection.provider, connection.model, connection.azure_deployment, connection.api_key) == (
        "azure",
        "luna-in-sweden",
        "luna-in-sweden",
        KEY,
    )
    assert connection.base_url == "https://shop.openai.azure.com/openai/v1"
    assert connection.name == "Azure OpenAI (shop.openai.azure.com)"


def test_a_key_for_openai_goes_to_openai_only(aiops, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    aiops(
        default={}, other={"BASE_URL": "https://models.example.com/v1"}, azure={"AZURE_ENDPOINT": "https://a.azure.com"}
    )
    assert get_connection().api_key == KEY
    assert get_connection("other").api_key == ""
    assert get_connection("azure").api_key == ""


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, {}),
        ({"OPENAI_API_KEY": "k"}, {"API_KEY": "k"}),
        ({"OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://a"}, {"API_KEY": "k"}),
        ({"AZURE_OPENAI_ENDPOINT": "https://a"}, {"AZURE_ENDPOINT": "https://a"}),
        (
            {"AZURE_OPENAI_ENDPOINT": "https://a", "OPENAI_API_VERSION": "2026-01-01", "OPENAI_MODEL": "m"},
            {"AZURE_ENDPOINT": "https://a", "API_VERSION": "2026-01-01", "MODEL": "m"},
        ),
    ],
)
def test_what_the_environment_says(environ, options):
    assert options_from_environment(environ) == options


def test_every_option_is_in_the_docs_with_its_default():
    table = (
        (ROOT / "docs/reference/settings.md").read_text().partition("## Connections")[2].partition("## `Q_CLUSTER`")[0]
    )
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", table, re.MULTILINE))
    assert list(told) == list(OPTIONS)
    for option in fields(Connection):
        if option.default is not MISSING and option.name != "api_key":
            default = option.default
            shown = (
                f'"{default}"'
                if isinstance(default, str)
                else f"{default:g}"
                if isinstance(default, float)
                else f"{default}"
            )
            assert told[option.name.upper()] == f"`{shown}`"


def test_the_gateway_can_be_imported_without_django_being_set_up():
    # Apps that are not loaded make any import of a model an error.
    modules = sorted(
        f"aiops.gateway.{path.stem}" for path in (ROOT / "aiops/gateway").glob("*.py") if path.stem != "__init__"
    )
    code = f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "api", "decisions"),
    [
        ({"API_KEY": "a-key"}, "responses", True),
        ({"API_KEY": "a-key", "BASE_URL": "https://api.openai.com/v1/"}, "responses", True),
        ({"API_KEY": "a-key", "BASE_URL": "https://eu.api.openai.com/v1"}, "responses", True),
        ({"API_KEY": "a-key", "API": "chat", "SUPPORTS_DECISIONS": False}, "chat", False),
        ({"BASE_URL": "https://models.example.com/v1"}, "chat", False),
        ({"BASE_URL": "https://api.openai.com.example.com/v1"}, "chat", False),
        ({"BASE_URL": "https://notapi.openai.com/v1"}, "chat", False),
        ({"AZURE_ENDPOINT": "https://shop.openai.azure.com"}, "chat", False),
        ({"AZURE_ENDPOINT": "https://shop.openai.azure.com", "API": "responses"}, "responses", False),
    ],
)
def test_responses_and_decisions_are_the_default_of_openai_itself(options, api, decisions):
    made = connection_from("default", options)
    assert (made.api, made.supports_decisions) == (api, decisions)

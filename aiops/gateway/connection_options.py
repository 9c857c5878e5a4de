"""A connection out of its options: read from settings or environment, and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from aiops.gateway.connection import (
    DEFAULT_MODEL,
    OPENAI_URL,
    Connection,
    InvalidConnection,
    KeyInAddress,
    is_loopback,
    is_openai,
)
from aiops.options import is_list_of_texts

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "tuple[str, ...] | None": (list, tuple, type(None)),
    "Mapping[str, Mapping[str, int | None]]": (Mapping,),
}
_TYPE_NAMES = {type(None): "None", Mapping: "a dictionary by model"}
OPTIONS = {f.name.upper(): f for f in fields(Connection) if f.name != "alias"}
LIMITS = ("REQUESTS_PER_MINUTE", "TOKENS_PER_MINUTE", "MAX_IN_FLIGHT_OVERALL")
CHOICES = {
    "API": ("chat", "responses"),
    "OUTPUT_LIMIT_PARAMETER": ("max_completion_tokens", "max_tokens"),
    "TOKENIZER": ("", "o200k_base", "cl100k_base", "server"),
}


def options_from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Options as the usual variables give them: `OPENAI_…`, or else `AZURE_OPENAI_…`."""
    endpoint = environ.get("AZURE_OPENAI_ENDPOINT", "")
    if endpoint and not (environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")):
        options = {
            "AZURE_ENDPOINT": endpoint,
            "API_KEY": environ.get("AZURE_OPENAI_API_KEY", ""),
            "AZURE_DEPLOYMENT": environ.get("AZURE_OPENAI_DEPLOYMENT", ""),
            "MODEL": environ.get("OPENAI_MODEL", ""),
            "API_VERSION": environ.get("OPENAI_API_VERSION", ""),
        }
    else:
        options = {
            "API_KEY": environ.get("OPENAI_API_KEY", ""),
            "BASE_URL": environ.get("OPENAI_BASE_URL", ""),
            "MODEL": environ.get("OPENAI_MODEL", ""),
        }
    return {name: value for name, value in options.items() if value}


def connection_from(alias: str, options: Mapping[str, Any]) -> Connection:
    """One connection out of its options.

    Raises:
        InvalidConnection: an option that does not exist, or a value it cannot have.
    """
    if not isinstance(alias, str):
        raise InvalidConnection(alias, "has an alias that is no text: write it in quotes")
    if not isinstance(options, Mapping):
        raise InvalidConnection(alias, f"is of type {type(options).__name__}: it must be a dictionary of options")
    for name, value in options.items():
        _check_option(alias, name, value)
    given: dict[str, Any] = {
        name.lower(): tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    endpoint = given.get("azure_endpoint", "").rstrip("/")
    if endpoint:
        given |= {"azure_endpoint": endpoint, "provider": given.get("provider", "azure")}
        given["model"] = given.get("model") or given.get("azure_deployment") or DEFAULT_MODEL
    elif not given.get("base_url") and "api_key" not in given:
        # Only OpenAI itself may see the key that the environment has for OpenAI.
        given["api_key"] = os.environ.get("OPENAI_API_KEY", "")
    given["base_url"] = (given.get("base_url") or (f"{endpoint}/openai/v1" if endpoint else OPENAI_URL)).rstrip("/")
    if is_openai(given["base_url"]):
        own: dict[str, Any] = {"api": "responses", "admin_key_variable": "OPENAI_ADMIN_KEY"}
        own |= {"supports_decisions": True, "supports_batch": True}
        own |= {"webhook_secret_variable": "OPENAI_WEBHOOK_SECRET"}
        given = {**own, **given}
    if given.get("tokenizer") == "server" and not is_loopback(urlsplit(given["base_url"]).hostname or ""):
        complaint = "has TOKENIZER 'server', and a server elsewhere: a quote sends nothing out, so leave it out"
        raise InvalidConnection(alias, complaint, "TOKENIZER")
    given["model"] = given.get("model") or DEFAULT_MODEL
    given["name"] = given.get("name") or _name_of(given["base_url"])
    return Connection(alias=alias, **given)


def _check_option(alias: str, name: str, value: object) -> None:
    if name not in OPTIONS:
        near = get_close_matches(str(name).upper(), OPTIONS, n=1)
        instead = f"did you mean {near[0]}?" if near else f"there are {', '.join(OPTIONS)}"
        raise InvalidConnection(alias, f"has an option {name} that does not exist ({instead})", name)
    types = _TYPES.get(str(OPTIONS[name].type), (str,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join(_TYPE_NAMES.get(kind, kind.__name__) for kind in types)
        raise InvalidConnection(alias, f"has {name} of type {type(value).__name__}: it must be {wanted}", name)
    if isinstance(value, list | tuple) and not is_list_of_texts(value):
        raise InvalidConnection(alias, f"has {name} {value!r}: it must be a list of texts", name)
    if name.endswith("_VARIABLE") and not re.fullmatch(r"(?:[A-Za-z_][A-Za-z0-9_]*)?", str(value)):
        # Not repeated: what was typed here instead of a name may be the key.
        raise InvalidConnection(alias, f"has {name} that is no name of an environment variable", name)
    if name == "MODEL_LIMITS":
        _check_model_limits(alias, value)
    if name in CHOICES and value not in CHOICES[name]:
        raise InvalidConnection(alias, f"has {name} {value!r}: it must be {_listed(CHOICES[name])}", name)
    if isinstance(value, int | float) and not isinstance(value, bool) and not 0 < value < float("inf"):
        raise InvalidConnection(alias, f"has {name} {value!r}: it must be above zero", name)
    if name in {"BASE_URL", "AZURE_ENDPOINT"} and value:
        try:
            url = urlsplit(str(value))
            usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
        except ValueError:
            # Brackets that do not close, a port that is none.
            usable = False
        if not usable:
            # The address itself is not repeated: what was typed in the wrong place may be a key.
            raise InvalidConnection(alias, f"has {name} that is no address: it must begin with https://", name)
        if url.username or url.password:
            raise KeyInAddress(alias, f"has a key inside {name}: move it to API_KEY", name)


def _check_model_limits(alias: str, by_model: Any) -> None:
    for model, limits in by_model.items():
        where = f"MODEL_LIMITS[{model!r}]"
        if not isinstance(limits, Mapping):
            complaint = f"has {where} of type {type(limits).__name__}: it must be a dictionary of limits"
            raise InvalidConnection(alias, complaint, "MODEL_LIMITS")
        for name, value in limits.items():
            if name not in LIMITS:
                complaint = f"has {where} with a limit {name} that does not exist (there are {', '.join(LIMITS)})"
                raise InvalidConnection(alias, complaint, "MODEL_LIMITS")
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
                complaint = f"has {where} with {name} {value!r}: it must be a whole number above zero, or None"
                raise InvalidConnection(alias, complaint, "MODEL_LIMITS")


def _listed(choices: Sequence[str]) -> str:
    return " or ".join(choice or "empty" for choice in choices)


def _name_of(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    if is_openai(base_url):
        return "OpenAI" if base_url == OPENAI_URL else f"OpenAI ({host})"
    if is_loopback(host):
        return "this machine"
    return f"Azure OpenAI ({host})" if host.endswith(".azure.com") else host

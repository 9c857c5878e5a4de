"""One way to a provider.

ConnectionProblem            the settings, not the provider, are to be changed
├── UnknownConnection        no such alias
├── InvalidConnection        an option that does not exist, or a value it cannot have
│   └── KeyInAddress         an address is shown to people, a key never is
├── MissingKey               the provider wants a key and there is none
└── MissingAdminKey          likewise, the key that may read what the provider has billed
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-6-luna"


class ConnectionProblem(Exception):
    """`str(error)` is one sentence with the remedy."""


class UnknownConnection(ConnectionProblem):
    def __init__(self, alias: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(map(str, known)))
        super().__init__(f"There is no connection '{alias}': use one of {names}, or add it to AIOPS['CONNECTIONS'].")
        self.alias = alias


class InvalidConnection(ConnectionProblem):
    def __init__(self, alias: str, complaint: str, option: str = "") -> None:
        super().__init__(f"The connection '{alias}' {complaint}.")
        self.alias = alias
        self.option = option


class KeyInAddress(InvalidConnection):
    pass


class MissingKey(ConnectionProblem):
    def __init__(self, connection: Connection) -> None:
        super().__init__(f"The connection '{connection.alias}' has no key: {connection.key_remedy}")
        self.alias = connection.alias


class MissingAdminKey(ConnectionProblem):
    def __init__(self, connection: Connection) -> None:
        name = connection.admin_key_variable
        remedy = (
            f"set {name} in the environment"
            if name
            else f"name in AIOPS['CONNECTIONS']['{connection.alias}']['ADMIN_KEY_VARIABLE'] "
            "the environment variable that holds it"
        )
        super().__init__(
            f"The connection '{connection.alias}' has no admin key, which its bill is read with: {remedy}, "
            "or give a file that the provider has exported."
        )
        self.alias = connection.alias


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One way to a provider. In settings each field is an option, in capitals (`BASE_URL`, `API_KEY`, …)."""

    alias: str

    name: str
    """For people: who will see the data."""

    model: str
    """What is asked where a version names no model; on Azure, where there is no deployment, its name too."""

    base_url: str
    """Up to and with `/v1`, without a slash at the end."""

    api_key: str | None = field(repr=False, default="")
    """None: the server needs none. Empty: none was found, which is an error once a call is to be made."""

    provider: str = "openai"
    """Whose price list holds (`openai`, `azure`, …)."""

    free: bool = False
    """A call costs nothing: the price is zero, not unknown."""

    api: Literal["chat", "responses"] = "chat"
    """Which of OpenAI's interfaces it speaks. Compatible servers mostly take `chat` alone; at OpenAI's own addresses
    `responses` is the default."""

    max_in_flight: int = 32
    """Most requests at a time in one worker."""

    requests_per_minute: int | None = None
    """Most requests in a minute for one model, all processes and hosts together; None: as the provider says."""

    tokens_per_minute: int | None = None
    """Most tokens in a minute for one model, read and written; None: as the provider says."""

    max_in_flight_overall: int | None = None
    """Most requests under way at a time for one model, all processes and hosts together; None: no limit."""

    model_limits: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict, hash=False)
    """Model → those of the three limits above, in capitals, that are others for it."""

    deadline: float = 120.0
    """Seconds in total that one call may take, attempts and waits included."""

    connect_timeout: float = 5.0
    """Seconds to reach the server."""

    output_limit: int = 8192
    """Most tokens of an answer where whoever asks names no limit: a hold needs one."""

    output_limit_parameter: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"

    supports_json_schema: bool = True

    supports_logprobs: bool = True
    """Whether it tells how probable each token of an answer was."""

    most_logprobs: int = 20
    """Alternatives that it tells of each token."""

    supports_decisions: bool = False
    """Whether it has OpenAI's interface for decisions (`/v1/decisions`). OpenAI's own addresses have, by default."""

    supports_batch: bool = False
    """Whether it has OpenAI's interface for batches (`/v1/batches`). OpenAI's own addresses have, by default."""

    batch_lines: int = 50_000
    """Most lines of a batch."""

    batch_bytes: int = 200_000_000
    """Most bytes of the file of a batch."""

    tokenizer: Literal["", "o200k_base", "cl100k_base", "server"] = ""
    """What counts tokens for a quote: one of OpenAI's tables, or the server itself where it is on this machine and has
    llama.cpp's addresses for that (`/tokenize`). Empty: by the model's name."""

    azure_endpoint: str = ""
    """`https://….openai.azure.com`; makes this a connection to Azure."""

    azure_deployment: str = ""

    api_version: str = ""
    """Azure's dated interface; empty for its undated one, which is OpenAI's own under `/openai/v1`."""

    redact: tuple[str, ...] | None = None
    """Dotted paths of what finds that which may not leave over it; None: what `AIOPS["REDACT"]` says."""

    admin_key_variable: str = ""
    """Name of the environment variable that holds the key with which the provider's bill may be read. At OpenAI's own
    addresses `OPENAI_ADMIN_KEY` by default."""

    webhook_secret_variable: str = ""
    """Name of the environment variable that holds the secret with which the provider signs its webhooks. At OpenAI's
    own addresses `OPENAI_WEBHOOK_SECRET` by default."""

    @property
    def webhook_secret(self) -> str:
        """By which a webhook is known to be the provider's, out of the environment; empty where none is listened to."""
        return os.environ.get(self.webhook_secret_variable, "").strip() if self.webhook_secret_variable else ""

    @property
    def label(self) -> str:
        """For people who choose: its alias, who will see the data, and what is asked."""
        return f"{self.alias}: {self.name}, {self.model}"

    def output_limit_for(self, wanted: int) -> int:
        """The output limit that is sent where `wanted` is: Responses takes none below 16."""
        return max(16, wanted) if self.api == "responses" else wanted

    @property
    def is_local(self) -> bool:
        """Whether the server is on this very machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def knows_prompt_cache_key(self) -> bool:
        """Whether it takes OpenAI's parameter of that name."""
        return is_openai(self.base_url) or (bool(self.azure_endpoint) and not self.api_version)

    @property
    def needs_key(self) -> bool:
        """Whether a call cannot be made for want of a key."""
        return self.api_key == "" and not self.is_local

    @property
    def key_remedy(self) -> str:
        """What to do where a key is missing."""
        if self.azure_endpoint:
            return "set AZURE_OPENAI_API_KEY in the environment."
        if is_openai(self.base_url):
            return "set OPENAI_API_KEY in the environment, or point the connection at a server that needs none."
        return f"give AIOPS['CONNECTIONS']['{self.alias}'] an API_KEY, or API_KEY=None where the server needs none."

    def require_key(self) -> None:
        """The door of every call.

        Raises:
            MissingKey: the provider wants a key and there is none.
        """
        if self.needs_key:
            raise MissingKey(self)

    def require_admin_key(self) -> str:
        """The key with which the provider's bill may be read, out of the environment: it is kept nowhere.

        Raises:
            MissingAdminKey: there is none.
        """
        key = os.environ.get(self.admin_key_variable, "").strip() if self.admin_key_variable else ""
        if not key:
            raise MissingAdminKey(self)
        return key

    def __reduce__(self) -> tuple[object, tuple[str]]:
        # A pickle, which may end up in a queue or a file, says which connection, never its key.
        from aiops.gateway.connections import get_connection

        return get_connection, (self.alias,)


def is_openai(base_url: str) -> bool:
    """Whether an address is OpenAI's own: the usual one, or that of a region (`https://eu.api.openai.com/v1`)."""
    return f".{urlsplit(base_url).hostname or ''}".endswith(".api.openai.com")


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

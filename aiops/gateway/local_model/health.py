"""What a running server says of itself, beside its answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

_COUNT = re.compile(r"^llamacpp:(\w+_total) (\S+)", re.MULTILINE)
_EXACT_BELOW = 1_000_000
# A proxy that the environment names knows nothing of this machine's own addresses.
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The server's own count since it started. It agrees with the sum of the usage in its answers."""

    tokens_in: int
    """Read, those included that it still had from the prompt before."""

    tokens_out: int
    """Written, those included that nobody waited for."""

    exact: bool
    """False once a counter has passed a million: the server then tells its first six digits only."""


def is_healthy(base_url: str) -> bool:
    """Whether the model is loaded and answers."""
    try:
        with _opener.open(_root(base_url) + "/health", timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def totals(base_url: str) -> Totals:
    """What the server has counted.

    Raises:
        OSError: it does not answer.
    """
    with _opener.open(_root(base_url) + "/metrics", timeout=5.0) as answer:
        told = {name: float(value) for name, value in _COUNT.findall(answer.read().decode())}
    # Its count of prompt tokens leaves out those it had cached; a completion's usage does not.
    counters = [told[name] for name in ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total")]
    fresh, cached, written = (round(counter) for counter in counters)
    return Totals(tokens_in=fresh + cached, tokens_out=written, exact=max(counters) < _EXACT_BELOW)


def _root(base_url: str) -> str:
    return base_url.removesuffix("/v1")

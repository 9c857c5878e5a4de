"""The SDK's exceptions, as our own: whether to try again, and whether it may have cost money.

The SDK's classes do not say whether a request arrived, their causes do; and none of them can cross a process.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx2
import openai

from aiops.gateway.dialects.sending import Facts
from aiops.gateway.errors import (
    BadKey,
    BadRequest,
    GatewayError,
    Interrupted,
    Malformed,
    QuotaExhausted,
    RateLimited,
    ServerFault,
    TooLong,
    Unreachable,
)
from aiops.gateway.plain_text import storable

RAW_KEPT = 10_000

NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
NEVER_SENT_BY_AIOHTTP = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)

NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"}


def error_of(error: openai.OpenAIError) -> GatewayError:
    """Our error for one of the SDK's."""
    if isinstance(error, openai.APIStatusError):
        return error_of_status(error.status_code, error.response.text, error.response.headers)
    if isinstance(error, openai.APIConnectionError):
        if _never_sent(error.__cause__):
            return Unreachable("The provider cannot be reached; check its address and that it is running.")
        if isinstance(error, openai.APITimeoutError):
            return Interrupted("The provider did not answer in time.")
        return Interrupted("The connection broke before the answer was complete.")
    if isinstance(error, openai.APIResponseValidationError):
        return Malformed("The provider's answer is no chat completion.", status=error.status_code)
    return BadRequest(storable(str(error)))


def _never_sent(cause: BaseException | None) -> bool:
    """Whether the request surely never left.

    With the aiohttp transport only the cause of the cause says so: a server that hangs up on a request that it has read
    is called a `ConnectTimeout` there.
    """
    deeper = cause.__cause__ if cause else None
    if isinstance(deeper, aiohttp.ClientError):
        return isinstance(deeper, NEVER_SENT_BY_AIOHTTP)
    return isinstance(cause, NEVER_SENT)


def error_of_status(status: int, body: str, headers: Mapping[str, str]) -> GatewayError:
    """Our error for an answer of a status that is no success."""
    own, said, code = _said(body)
    facts: dict[str, Any] = {
        "status": status,
        "request_id": headers.get("x-request-id", "")[:128],
        "retry_after": retry_after(headers, now=time.time()),
        "raw": storable(body[:RAW_KEPT]),
    }
    if status < 400:
        return BadRequest(
            f"The address in the settings leads elsewhere (status {status}), and is not followed: correct it.", **facts
        )
    if status == 429 or code in NO_CREDIT:
        if code in NO_CREDIT:
            return QuotaExhausted(f"The provider's account has no credit left ({code}).", **facts)
        return RateLimited("The provider's rate limit is reached.", **facts)
    if status in (401, 403):
        return BadKey(f"The provider refuses the key (status {status}). {said}".strip(), **facts)
    if status == 408 or (status >= 500 and own):
        return ServerFault(f"The provider failed (status {status}). {said}".strip(), **facts)
    if status >= 500:
        # A gateway in between gave up; what is behind it may have answered, and billed.
        return Interrupted(f"Something between us and the provider failed (status {status}).", **facts)
    if code == "context_length_exceeded":
        return TooLong(f"The request is longer than the model can read. {said}".strip(), **facts)
    return BadRequest(f"The provider refuses the request (status {status}). {said}".strip(), **facts)


def error_said(event: Mapping[str, Any], facts: Facts) -> GatewayError:
    """Our error for what a provider says inside an answer that had already begun: billed or not, nobody knows."""
    told = event.get("error") or event
    message, code = (told.get("message"), told.get("code")) if isinstance(told, Mapping) else (told, None)
    said = storable(str(message or ""))[:500]
    known: dict[str, Any] = {"status": 200, "request_id": facts.request_id}
    if code in NO_CREDIT:
        return QuotaExhausted(f"The provider's account has no credit left ({code}).", **known)
    if code == "rate_limit_exceeded":
        return RateLimited("The provider's rate limit is reached.", **known)
    return Interrupted(f"The provider failed in the middle of its answer. {said}".strip(), **known)


def _said(body: str) -> tuple[bool, str, str]:
    """Whether these are a provider's own words, not a page of something in between; its message and its code."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return False, "", ""
    if not isinstance(parsed, dict):
        return False, "", ""
    # Not everybody says it as OpenAI does: some give a text where others give an object, or no `error` around it.
    told = parsed.get("error") or parsed
    message, code = (told.get("message"), told.get("code")) if isinstance(told, dict) else (told, None)
    said = storable(str(message or "")).strip()[:500]
    return True, said if not said or said[-1] in ".!?…" else f"{said}.", str(code or "")


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that a provider asks us to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date).

    None where it does not say or makes no sense; whether that long is acceptable is the retry policy's business.
    """
    for name, scale in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / scale
        except ValueError:
            seconds = _until(value, now)
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _until(date: str, now: float) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return math.nan

"""Files for the provider: what the client's methods take, and how what goes wrong is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from aiops.client.errors import OpenAITransportError
from aiops.client.how import how
from aiops.files.found import Found, find, require_deleter, require_reader
from aiops.files.models import UploadedFile
from aiops.files.source import MOST_BYTES
from aiops.files.wanted import Wanted, seconds_of
from aiops.gateway.errors import GatewayError
from aiops.gateway.retry import RetryPolicy


class FileOptions(TypedDict, total=False):
    """What every method about files takes."""

    connection: str
    """Alias in `AIOPS["CONNECTIONS"]`; the client's own by default."""

    by: Any
    """The user of the site for whom it is done; None for the shop itself, which may do everything."""

    timeout: float
    """Seconds in total, attempts and waits included; at most the connection's `DEADLINE`."""

    retry: RetryPolicy
    """How patiently it is tried again; an upload only where it surely did not arrive."""


def wanted(
    default: str,
    options: FileOptions,
    *,
    purpose: str,
    name: str,
    expires_after: timedelta | float | None,
    again: bool,
    most_bytes: int = MOST_BYTES,
) -> Wanted:
    """How a file is to be kept.

    Raises:
        ValueError: an argument makes no sense.
        ConnectionProblem: there is no such connection.
    """
    found = how(default, **options)
    return Wanted(
        connection=found.connection,
        policy=found.policy,
        purpose=purpose,
        name=name,
        seconds=seconds_of(expires_after),
        owner=found.user if found.user is not None and found.user.pk is not None else None,
        again=again,
        most_bytes=most_bytes,
    )


def to_read(default: str, which: UploadedFile | str, **options: Unpack[FileOptions]) -> tuple[Found, float]:
    """The file that is meant, and how many seconds it may take.

    Raises:
        ValueError: there is none, or none that this person may read.
    """
    found, policy = _found(default, which, options)
    require_reader(found, options.get("by"))
    return found, policy.deadline


def to_delete(default: str, which: UploadedFile | str, **options: Unpack[FileOptions]) -> tuple[Found, RetryPolicy]:
    """The file that is meant, and how patiently.

    Raises:
        ValueError: there is none, or none that this person may delete.
    """
    found, policy = _found(default, which, options)
    require_deleter(found, options.get("by"))
    return found, policy


@contextmanager
def as_transport_errors() -> Iterator[None]:
    """Turns what goes wrong with a provider into what the shop's code catches.

    Raises:
        OpenAITransportError: what it was.
    """
    try:
        yield
    except GatewayError as error:
        raise OpenAITransportError(
            str(error), error.status, error.retry_after, kind=error.kind, retryable=error.retryable
        ) from error


def _found(default: str, which: UploadedFile | str, options: FileOptions) -> tuple[Found, RetryPolicy]:
    found = find(which, options.get("connection") or default)
    # A file is where it was uploaded to, whatever the client's own connection is.
    said: FileOptions = {**options, "connection": found.connection.alias}
    return found, how(default, **said).policy

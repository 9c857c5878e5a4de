"""The setting `AIOPS` apart from its connections: one value for each option, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core.signals import setting_changed

ELSEWHERE = {"CONNECTIONS"}
"""Parts of the setting that others read and check."""


class InvalidOption(Exception):
    """`str(error)` is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """In settings each field is an option, in capitals."""

    slice_seconds: int = 60
    """Seconds that a worker works before it rings for the next."""

    planned_at_once: int = 10_000
    """Rows that are read where a job is asked for, in a page, say; of a larger job workers read the others."""

    at_work_seconds: int = 60
    """Seconds that a job waits for a worker that has stopped saying that it is there."""

    lease_margin_seconds: int = 60
    """Seconds that the lease of an item outlasts the latest end of its call."""

    unheard_seconds: int = 300
    """Seconds after which nobody will hear a ring any more: the message is lost, or the queue is."""

    in_transaction: Literal["refuse", "allow"] = "refuse"
    """What becomes of a call inside somebody's open transaction, where its record would not outlive a rollback."""

    doorbell: str = "aiops.jobs.doorbell.DjangoQ"
    """Dotted path of what wakes a worker."""

    image_hosts: tuple[str, ...] = ()
    """Hosts from which a provider may be told to fetch an image; `.example.com` is all that end in it."""

    cache_ttl: int = 24 * 3600
    """Seconds that an answer is kept where the cache is on and nothing else is said."""

    cache_most_bytes: int = 256 * 1024 * 1024
    """Room for kept answers; beyond it those go that were not used for longest."""

    stopped: bool | str = False
    """Whether every call is refused, whatever the switch in the admin says; a text says why."""

    local_model_dir: str | Path | None = None
    """Where model files are kept; None for `var/models` of the site."""

    redact: tuple[str, ...] = ()
    """Dotted paths of what finds that which may not leave (`aiops.redaction`); a connection may say otherwise."""

    budget_mail: tuple[str, ...] = ()
    """Who is told by mail of a budget that is nearly spent; empty: the site's `ADMINS`."""

    budget_webhook: str | None = field(default=None, repr=False)
    """Where that is posted as JSON, too. There may be a secret in it."""

    job_mail: bool = True
    """Whether whoever started a job is told by mail that it is done, where it took longer than a minute, or paused."""

    job_webhook: str | None = field(default=None, repr=False)
    """Where that is posted as signed JSON, too. There may be a secret in it."""

    redis_url: str | None = field(default=None, repr=False)
    """Address of the Redis that counts limits; None: the database does. There may be a password in it."""

    hold: Literal["worst", "p95"] = "worst"
    """What is set aside for a call: the most that it can cost; or as much as 95 of 100 past answers of its version
    would have needed, so that more calls fit under a budget, and one may cost more than was held for it."""

    old_way: tuple[str, ...] = ()
    """Call sites that go the way they went before they moved over (`aiops.compat.moved_from`), each as
    `module.qualname`, or `module.*` for all in it."""


CHOICES = {"IN_TRANSACTION": ("refuse", "allow"), "HOLD": ("worst", "p95")}


def setting() -> Mapping[str, Any]:
    """The setting as it was given; empty where there is none.

    Raises:
        InvalidOption: it is no dictionary.
    """
    # Never repeated as it is: there may be a key in it.
    given: object = getattr(settings, "AIOPS", {})
    if not isinstance(given, Mapping):
        raise InvalidOption(f"The setting AIOPS is of type {type(given).__name__}: it must be a dictionary.")
    return given


def connections_setting() -> Mapping[str, Any]:
    """`AIOPS["CONNECTIONS"]` as it was given.

    Raises:
        InvalidOption: it is no dictionary.
    """
    given: object = setting().get("CONNECTIONS", {})
    if not isinstance(given, Mapping):
        raise InvalidOption(
            f"AIOPS['CONNECTIONS'] is of type {type(given).__name__}: it must be a dictionary of connections by alias."
        )
    return given


@cache
def options() -> Options:
    """The options of this site.

    Raises:
        InvalidOption: one that does not exist, or a value it cannot have.
    """
    connections_setting()
    own = {name: value for name, value in setting().items() if name not in ELSEWHERE}
    for name, value in own.items():
        _check(name, value)
    values: dict[str, Any] = {
        name.lower(): tuple(value) if isinstance(value, list) else value for name, value in own.items()
    }
    return Options(**values)


def _check(name: object, value: object) -> None:
    known = {f.name.upper(): f for f in fields(Options)}
    if not isinstance(name, str) or name not in known:
        near = get_close_matches(str(name).upper(), [*known, *ELSEWHERE], n=1)
        instead = f"did you mean {near[0]}?" if near else f"there are {', '.join([*ELSEWHERE, *known])}"
        raise InvalidOption(f"The setting AIOPS has an option {name} that does not exist ({instead}).")
    if name in CHOICES and value not in CHOICES[name]:
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be {' or '.join(CHOICES[name])}.")
    if known[name].type == "str" and not isinstance(value, str):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a text.")
    if known[name].type == "bool | str" and not isinstance(value, bool | str):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be True, False, or a text that says why.")
    if known[name].type == "int" and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a whole number above zero.")
    if name == "REDIS_URL" and not _is_address_of_redis(value):
        # Not repeated: there may be a password in it.
        raise InvalidOption("AIOPS['REDIS_URL'] is no address of a Redis: it must begin with redis://, or be None.")
    if name in ("BUDGET_WEBHOOK", "JOB_WEBHOOK") and not _is_web_address(value):
        # Not repeated: there may be a secret in it.
        raise InvalidOption(f"AIOPS['{name}'] is no address: it must begin with https:// or http://, or be None.")
    if known[name].type == "bool" and not isinstance(value, bool):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be True or False.")
    if known[name].type == "str | Path | None" and not isinstance(value, str | Path | None):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a path.")
    if known[name].type == "tuple[str, ...]" and not is_list_of_texts(value):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a list of texts.")


def is_list_of_texts(value: object) -> bool:
    """Whether an option that takes several texts can have this value."""
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_web_address(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.startswith(("https://", "http://")))


def _is_address_of_redis(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.startswith(("redis://", "rediss://", "unix://")))


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AIOPS":
        options.cache_clear()


setting_changed.connect(_forget, dispatch_uid="aiops.options")

"""The setting `AIOPS` apart from its connections: one value for each option, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
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

    in_transaction: Literal["refuse", "allow"] = "refuse"
    """What becomes of a call inside somebody's open transaction, where its record would not outlive a rollback."""

    doorbell: str = "aiops.jobs.doorbell.DjangoQ"
    """Dotted path of what wakes a worker."""

    image_hosts: list[str] | tuple[str, ...] = ()
    """Hosts from which a provider may be told to fetch an image; `.example.com` is all that end in it."""

    stopped: bool | str = False
    """Whether every call is refused, whatever the switch in the admin says; a text says why."""

    local_model_dir: str | Path | None = None
    """Where model files are kept; None for `var/models` of the site."""


CHOICES = {"IN_TRANSACTION": ("refuse", "allow")}


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
    return Options(**{name.lower(): value for name, value in own.items()})


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
    if known[name].type == "list[str] | tuple[str, ...]" and not (
        isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    ):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a list of texts.")
    if known[name].type == "str | Path | None" and not isinstance(value, str | Path | None):
        raise InvalidOption(f"AIOPS[{name!r}] is {value!r}: it must be a path.")


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AIOPS":
        options.cache_clear()


setting_changed.connect(_forget, dispatch_uid="aiops.options")

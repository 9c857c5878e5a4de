"""Where calls go: the aliases in `AIOPS["CONNECTIONS"]`, as `DATABASES` is for databases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.signals import setting_changed

from aiops.gateway.connection import (
    Connection,
    ConnectionProblem,
    InvalidConnection,
    KeyInAddress,
    MissingAdminKey,
    MissingKey,
    UnknownConnection,
    is_loopback,
    is_openai,
)
from aiops.gateway.connection_options import OPTIONS, connection_from, options_from_environment
from aiops.options import InvalidOption, connections_setting

__all__ = [
    "OPTIONS",
    "Connection",
    "ConnectionProblem",
    "InvalidConnection",
    "KeyInAddress",
    "MissingAdminKey",
    "MissingKey",
    "UnknownConnection",
    "connection_from",
    "connection_options",
    "connections",
    "get_connection",
    "is_loopback",
    "is_openai",
    "options_from_environment",
    "usable_connections",
]


@cache
def get_connection(alias: str = "default") -> Connection:
    """The connection of that alias; an empty alias is the default.

    Raises:
        UnknownConnection: the settings have none of that name.
        InvalidConnection: they have one that makes no sense.
    """
    known, alias = connection_options(), alias or "default"
    if alias not in known:
        raise UnknownConnection(alias, known)
    return connection_from(alias, known[alias])


def connections() -> dict[str, Connection]:
    """All connections by alias. `default` is made from the environment where the settings have none.

    Raises:
        InvalidConnection: the first that makes no sense.
        InvalidOption: the setting that holds them is no dictionary.
    """
    return {alias: get_connection(alias) for alias in connection_options()}


def usable_connections() -> tuple[dict[str, Connection], tuple[str, ...]]:
    """The connections that make sense, by alias, and a sentence about each of the others.

    For pages: one that is wrong must not close the way to the rest.
    """
    usable, wrong = {}, []
    try:
        aliases = list(connection_options())
    except InvalidOption as error:
        return {}, (str(error),)
    for alias in aliases:
        try:
            usable[alias] = get_connection(alias)
        except ConnectionProblem as error:
            wrong.append(str(error))
    return usable, tuple(wrong)


def connection_options() -> dict[str, Mapping[str, Any]]:
    """The options of each alias as they are given, by the settings or the environment.

    Raises:
        InvalidOption: the setting that holds them is no dictionary.
    """
    given = connections_setting()
    return dict(given) if "default" in given else {"default": options_from_environment(os.environ), **given}


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AIOPS":
        get_connection.cache_clear()


setting_changed.connect(_forget, dispatch_uid="aiops.gateway.connections")

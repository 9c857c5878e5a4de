"""Where calls go, and whether they could."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections as databases_by_alias

from aiops.gateway.connections import (
    Connection,
    InvalidConnection,
    KeyInAddress,
    connection_from,
    connection_options,
    is_loopback,
    is_openai,
    usable_connections,
)
from aiops.options import InvalidOption


def check_connections(**_: Any) -> list[CheckMessage]:
    """E002, E004, W004, W010 and W018: each connection can be used, and gives nothing away."""
    found: list[CheckMessage] = []
    for alias, options in _known().items():
        try:
            connection = connection_from(alias, options)
        except KeyInAddress as error:
            found.append(
                Error(str(error), hint="Addresses are shown on pages and in logs; keys never are.", id="aiops.E004")
            )
        except InvalidConnection as error:
            found.append(
                Error(str(error), hint=f"Correct AIOPS['CONNECTIONS'][{alias!r}] in the settings.", id="aiops.E002")
            )
        else:
            found += _problems(connection)
    return found


def _known() -> Mapping[str, Mapping[str, Any]]:
    """The options of each alias; none where the setting itself is wrong, which E001 says."""
    try:
        return connection_options()
    except InvalidOption:
        return {}


def _problems(connection: Connection) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if connection.alias == "default" and connection.needs_key:
        found.append(
            Warning(
                "The connection 'default' has no key: calls over it are refused.",
                hint=_key_hint(connection),
                id="aiops.W010",
            )
        )
    address = urlsplit(connection.base_url)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        found.append(
            Warning(
                f"The connection '{connection.alias}' sends its key and your data unencrypted to {address.hostname}.",
                hint="Use an address that begins with https://.",
                id="aiops.W004",
            )
        )
    secret = connection.webhook_secret
    if secret and not re.fullmatch(r"whsec_[A-Za-z0-9+/]{24,}={0,2}", secret):
        found.append(
            Warning(
                f"The secret of the webhooks of the connection '{connection.alias}' is none: every one is refused.",
                hint=f"Copy it anew into {connection.webhook_secret_variable}: it begins with whsec_.",
                id="aiops.W018",
            )
        )
    return found


def check_default_key(**_: Any) -> list[CheckMessage]:
    """E003, only with `--deploy`: a site that is about to serve people can ask somebody.

    Elsewhere it is W010: an error would stop `migrate` and tests as well, which ask nobody.
    """
    usable, _wrong = usable_connections()
    default = usable.get("default")
    if default is None or not default.needs_key:
        return []
    return [Error("The connection 'default' has no key.", hint=_key_hint(default), id="aiops.E003")]


def _key_hint(connection: Connection) -> str:
    if is_openai(connection.base_url) and os.environ.get("AZURE_OPENAI_API_KEY"):
        return "Set AZURE_OPENAI_ENDPOINT in the environment: there is an AZURE_OPENAI_API_KEY, and no address for it."
    remedy = connection.key_remedy
    return remedy[0].upper() + remedy[1:]


def check_labelled_versions(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W009, only with `--database`: a version that a label points to is asked over a connection that exists.

    A warning: `migrate` runs this too, and no row may keep a site from being migrated.
    """
    from prompts.models import Label, PromptVersion

    known = _known()
    found: list[CheckMessage] = []
    for alias in (databases or ()) if known else ():
        tables = databases_by_alias[alias].introspection
        with databases_by_alias[alias].cursor() as cursor:
            if Label._meta.db_table not in tables.table_names(cursor):
                continue  # Not migrated yet, or kept in another database.
            columns = {column.name for column in tables.get_table_description(cursor, PromptVersion._meta.db_table)}
        # No more columns than there are: this runs before the migration that adds the next one.
        fallbacks = ["version__fallbacks"] if "fallbacks" in columns else []
        names = ["version__prompt__name", "version__number", "name", "version__connection", *fallbacks]
        for prompt, number, label, wanted, *instead in Label.objects.using(alias).order_by("pk").values_list(*names):
            of_fallbacks = [one["connection"] for one in (instead[0] if instead else ())]
            found += [_gone(f"{prompt} v{number}", label, one, known) for one in {wanted, *of_fallbacks} - {"", *known}]
    return found


def _gone(version: str, label: str, wanted: str, known: Iterable[str]) -> CheckMessage:
    usable = ", ".join(sorted(map(str, known)))
    return Warning(
        f"'{version}', labelled {label}, wants the connection '{wanted}', which does not exist.",
        hint=f"Add it to AIOPS['CONNECTIONS'], or label a version that uses {usable}.",
        id="aiops.W009",
    )

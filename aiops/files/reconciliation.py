"""Comparing the list with what a provider really has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import tenacity
from django.utils.translation import gettext as _

from aiops.durable import durable
from aiops.files.models import UploadedFile
from aiops.files.patience import Patience
from aiops.gateway.connections import Connection
from aiops.gateway.errors import Malformed
from aiops.gateway.files import ToldFile, blocking
from aiops.gateway.retry import RetryPolicy

MOST_PAGES = 10_000
"""A server that leads on for ever is not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was found out about the files of one connection."""

    connection: str
    arrived: tuple[UploadedFile, ...] = ()
    """They are there, which nobody knew."""

    never_arrived: tuple[UploadedFile, ...] = ()
    gone: tuple[UploadedFile, ...] = ()
    """They were there, and no longer are."""

    unlisted: int = 0
    """Files at the provider of which the list knows nothing."""


def reconcile(connection: Connection, *, now: datetime, dry_run: bool = False) -> Reconciled:
    """Ask a provider for all its files, and write down what that says of ours.

    Args:
        now: files that were begun later than the connection's `DEADLINE` before it may still be on their way, and are
            left as they are.
        dry_run: find out, and write nothing.

    Raises:
        MissingKey, InTransaction: nothing was sent.
        GatewayError: there is no list; nothing was written.
    """
    connection.require_key()
    ours, before = UploadedFile.objects.filter(connection=connection.alias), now - on_the_way(connection)
    with durable():
        open_files = list(ours.unsettled(before))
        there = list(ours.there().filter(created__lt=before))
    told = _all_of(connection)
    by_id = {file.provider_id: file for file in told}
    unsettled = [(file, _match(file, told)) for file in open_files]
    arrived = [(file, match) for file, match in unsettled if match is not None]
    found = Reconciled(
        connection=connection.alias,
        arrived=tuple(file for file, _told in arrived),
        never_arrived=tuple(file for file, match in unsettled if match is None),
        gone=tuple(file for file in there if file.provider_id not in by_id),
        unlisted=len(by_id) - _known(connection, by_id) - len(arrived),
    )
    if not dry_run:
        with durable():
            for file, match in arrived:
                file.arrived(match)
            for file in found.never_arrived:
                file.failed(_("It never arrived."))
            for file in found.gone:
                file.gone(now)
    return found


def on_the_way(connection: Connection) -> timedelta:
    """How long a file may be on its way: afterwards nobody sends it any more."""
    return timedelta(seconds=connection.deadline)


def _all_of(connection: Connection) -> list[ToldFile]:
    told: list[ToldFile] = []
    after = ""
    for _page in range(MOST_PAGES):
        page, after = _page_after(after, connection)
        told += page
        if not after:
            return told
    raise Malformed("The provider's list of files has no end.")


def _page_after(after: str, connection: Connection) -> tuple[list[ToldFile], str]:
    patience = Patience(RetryPolicy(deadline=connection.deadline))

    def once() -> tuple[list[ToldFile], str]:
        return blocking.list_page(connection, after=after, timeout=patience.left())

    page: tuple[list[ToldFile], str] = tenacity.Retrying(**patience.again())(once)
    return page


def _match(file: UploadedFile, told: Iterable[ToldFile]) -> ToldFile | None:
    return next((one for one in told if file.marker in one.name and one.size == file.size), None)


def _known(connection: Connection, ids: Iterable[str]) -> int:
    """How many of these ids the list has."""
    rows = UploadedFile.objects.filter(connection=connection.alias).exclude(provider_id="")
    return len(set(ids) & set(rows.values_list("provider_id", flat=True)))

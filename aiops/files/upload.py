"""Uploading: record, commit, send, then write down what the provider calls it.

A process that dies in between leaves a row that says `uploading`; `reconcile` finds out what became of the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import tenacity
from asgiref.sync import sync_to_async
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.durable import durable
from aiops.files.models import UploadedFile
from aiops.files.patience import Patience, surely_not_done
from aiops.files.source import Given, Source, opened
from aiops.files.wanted import Wanted
from aiops.gateway.errors import GatewayError
from aiops.gateway.files import Sending, ToldFile, blocking, nonblocking

A_DAY = timedelta(days=1)


def upload(given: Given, wanted: Wanted) -> UploadedFile:
    """Upload a file, blocking; the same bytes that are there already are not sent again.

    Raises:
        FileRefused, ConnectionProblem, InTransaction: nothing was sent.
        GatewayError: it is not known to be there; the row says so.
    """
    with _begun(given, wanted) as leaving:
        if leaving.sending is None:
            return leaving.file
        sending, patience = leaving.sending, Patience(wanted.policy)
        try:
            told: ToldFile = tenacity.Retrying(**patience.unless_done())(
                lambda: blocking.upload(sending, wanted.connection, timeout=patience.left())
            )
        except BaseException as error:
            leaving.ended_in(error)
            raise
        return leaving.arrived(told)


async def aupload(given: Given, wanted: Wanted) -> UploadedFile:
    """As `upload`, without blocking the event loop."""
    begun = _begun(given, wanted)
    leaving = await sync_to_async(begun.__enter__)()
    try:
        if leaving.sending is None:
            return leaving.file
        sending, patience = leaving.sending, Patience(wanted.policy)

        async def once() -> ToldFile:
            return await nonblocking.upload(sending, wanted.connection, timeout=patience.left())

        try:
            told: ToldFile = await tenacity.AsyncRetrying(**patience.unless_done())(once)
        except BaseException as error:
            # Whoever asked may have gone: what is written of it must not be cancelled as well.
            await asyncio.shield(sync_to_async(leaving.ended_in)(error))
            raise
        return await sync_to_async(leaving.arrived)(told)
    finally:
        begun.__exit__(None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """A file that may leave: its row is committed."""

    file: UploadedFile
    sending: Sending | None = field(default=None)
    """None: it is there already."""

    def arrived(self, told: ToldFile) -> UploadedFile:
        with durable():
            self.file.arrived(told)
        return self.file

    def ended_in(self, error: BaseException) -> None:
        with durable():
            if surely_not_done(error):
                self.file.failed(str(error))
            elif isinstance(error, GatewayError):
                self.file.lost(str(error))
            else:
                self.file.lost(_("Whoever uploaded it went away before the answer came."))


@contextmanager
def _begun(given: Given, wanted: Wanted) -> Iterator[_Upload]:
    """The file open, and its row written."""
    wanted.connection.require_key()
    with opened(given, name=wanted.name, most_bytes=wanted.most_bytes) as source:
        now = timezone.now()
        with durable():
            there = None if wanted.again else _already(source, wanted, now)
            file = there or _recorded(source, wanted, now)
        if there is not None:
            yield _Upload(file=file)
            return
        yield _Upload(
            file=file,
            sending=Sending(
                name=file.sent_name,
                content=source.content,
                content_type=file.content_type,
                purpose=file.purpose,
                seconds=wanted.seconds,
            ),
        )


def _already(source: Source, wanted: Wanted, now: datetime) -> UploadedFile | None:
    """The same bytes of the same owner, uploaded for the same and there for about as long as is wanted."""
    if wanted.seconds is None:
        # A batch's file expires by itself, whatever is asked.
        lives = Q(expires=None) | Q(purpose="batch", expires__gt=now + A_DAY)
    else:
        longest = timedelta(seconds=wanted.seconds)
        lives = Q(expires__gt=now + longest / 2, expires__lte=now + longest)
    same = UploadedFile.objects.there().filter(
        lives,
        sha256=source.sha256,
        size=source.size,
        content_type=source.content_type,
        connection=wanted.connection.alias,
        purpose=wanted.purpose,
        owner=wanted.owner,
    )
    return same.first()


def _recorded(source: Source, wanted: Wanted, now: datetime) -> UploadedFile:
    facts: dict[str, Any] = {"name": source.name, "size": source.size, "sha256": source.sha256}
    return UploadedFile.objects.create(
        **facts,
        connection=wanted.connection.alias,
        purpose=wanted.purpose,
        content_type=source.content_type,
        owner=wanted.owner,
        created=now,
        expires=None if wanted.seconds is None else now + timedelta(seconds=wanted.seconds),
    )

"""An uploaded file between quote and confirmation."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

log = logging.getLogger(__name__)

DIRECTORY = "aiops-uploads"
LONGEST = timedelta(days=1)
"""How long a file waits for somebody to confirm."""
SALT = "aiops.upload"


class NotKept(Exception):
    """The file is gone, or is not this person's."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in the storage."""

    name: str
    """As the person knows it."""

    path: str
    """In the storage: a name that nobody guesses."""

    @classmethod
    def keep(cls, file: File[Any], name: str) -> Self:
        """Put a file into the storage until it is confirmed."""
        file.seek(0)
        return cls(name, storage().save(f"{DIRECTORY}/{uuid4().hex}", file))

    @classmethod
    def from_signed(cls, text: str, user: Any) -> Self:
        """The file that a form names.

        Raises:
            NotKept: nobody signed that, it was another person's, or too long ago.
        """
        try:
            name, path, owner = signing.loads(text, salt=SALT, max_age=LONGEST)
        except signing.BadSignature as error:
            raise NotKept from error
        if owner != str(user.pk):
            raise NotKept
        return cls(name, path)

    def signed(self, user: Any) -> str:
        """What a hidden field of the form says."""
        return signing.dumps([self.name, self.path, str(user.pk)], salt=SALT)

    def open(self) -> File[Any]:
        """The file, for reading bytes.

        Raises:
            NotKept: it was used up, or swept away.
        """
        try:
            return storage().open(self.path)
        except FileNotFoundError as error:
            raise NotKept from error

    def drop(self) -> None:
        """It is used up."""
        storage().delete(self.path)


def storage() -> Storage:
    """Where files wait: the storage `aiops` of the settings where there is one, else the site's own for uploads.

    It must be one that all hosts share, and need not be served to anybody.
    """
    return storages["aiops" if "aiops" in settings.STORAGES else "default"]


def sweep(now: datetime) -> None:
    """Delete the files that nobody confirmed. A storage that cannot list is left to its own rules."""
    where = storage()
    try:
        _directories, names = where.listdir(DIRECTORY)
    except (FileNotFoundError, NotImplementedError):
        return
    for name in names:
        path = f"{DIRECTORY}/{name}"
        try:
            moment = where.get_modified_time(path)
            if now - (moment if timezone.is_aware(moment) else timezone.make_aware(moment)) > LONGEST:
                where.delete(path)
        except (FileNotFoundError, NotImplementedError):
            log.debug("Swept by somebody else, or without a time: %s", name)

"""Which file is meant: by its row, or by what the provider calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from aiops.files.errors import NotYours, UnknownFile
from aiops.files.models import UploadedFile
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.files.told import FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file at a provider."""

    connection: Connection
    provider_id: str
    """Empty where nobody knows whether it is there."""

    file: UploadedFile | None = None
    """None: one that the provider made itself, or that was uploaded by other means."""

    def require_known(self) -> None:
        """See that it can be asked for.

        Raises:
            UnknownFile: it cannot.
        """
        if self.provider_id:
            return
        name = self.file.name if self.file else ""
        raise UnknownFile(
            _(
                "Nobody knows whether “%(name)s” is at the provider: see manage.py uploaded_files reconcile, "
                "or upload it again."
            )
            % {"name": name}
        )


def find(which: UploadedFile | str, connection: str) -> Found:
    """The file that is meant.

    Args:
        which: its row, or its id at the provider.
        connection: alias, for an id.

    Raises:
        UnknownFile: that is neither.
        ConnectionProblem: the settings no longer have the connection.
    """
    if isinstance(which, UploadedFile):
        row = UploadedFile.objects.filter(pk=which.pk).first()
        if row is None:
            raise UnknownFile(_("The list has no file “%(name)s” any more.") % {"name": which})
        return Found(connection=get_connection(row.connection), provider_id=row.provider_id, file=row)
    if not isinstance(which, str):
        raise UnknownFile(
            _("The file is of type %(type)s: give what upload_file gave.") % {"type": type(which).__name__}
        )
    where = get_connection(connection)
    try:
        FILES.path_of(which)
    except ValueError:
        raise UnknownFile(_("“%(id)s” is no id of a file.") % {"id": which[:40]}) from None
    row = UploadedFile.objects.filter(connection=where.alias, provider_id=which).first()
    return Found(connection=where, provider_id=which, file=row)


def require_reader(found: Found, by: Any) -> None:
    """See that a person may read a file. Code of the shop asks for nobody, and may.

    Raises:
        NotYours: they may not.
    """
    if by is not None and not (found.file.may_be_read_by(by) if found.file else by.has_perm("aiops.view_uploadedfile")):
        raise NotYours


def require_deleter(found: Found, by: Any) -> None:
    """See that a person may delete a file. Code of the shop asks for nobody, and may.

    Raises:
        NotYours: they may not.
    """
    permission = "aiops.delete_uploadedfile"
    if by is not None and not (found.file.may_be_deleted_by(by) if found.file else by.has_perm(permission)):
        raise NotYours

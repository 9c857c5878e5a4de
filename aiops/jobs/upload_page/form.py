"""What is chosen on the page."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.jobs.quoted_page.forms import VersionForm
from aiops.jobs.sources import FileSource, SourceError
from aiops.jobs.upload_page.kept import KeptFile, NotKept


class UploadForm(VersionForm):
    """Which version, over which file, asked where."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy(
            "CSV, TSV, JSON or XLSX. The first row names the columns, and a column “Ticket text” is {{ ticket_text }} "
            "in a prompt."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.json,.xlsx"}),
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput)

    source: FileSource
    """The rows, once the form is valid."""

    field_order = ("file", "prompt", "version", "connection", "model")

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.user = user
        self.kept_file: KeptFile | None = None
        """The file that waits in the storage, once there is one."""

    def clean(self) -> dict[str, Any]:
        """Read the file that came, or the one that waits."""
        chosen = super().clean()
        try:
            if chosen.get("file"):
                self.source = FileSource(chosen["file"], name=chosen["file"].name)
                self.kept_file = KeptFile.keep(chosen["file"], self.source.name)
            elif chosen.get("kept"):
                self.kept_file = KeptFile.from_signed(chosen["kept"], self.user)
                with self.kept_file.open() as file:
                    self.source = FileSource(cast(BinaryIO, file), name=self.kept_file.name)
            elif "file" not in self.errors:
                self.add_error("file", _("Choose a file."))
        except SourceError as error:
            self.add_error("file", str(error))
        except NotKept:
            self.kept_file = None
            self.add_error("file", _("The file is no longer here: choose it again."))
        return chosen

    def pinned(self) -> dict[str, str]:
        kept = {"kept": self.kept_file.signed(self.user)} if self.kept_file else {}
        return super().pinned() | kept

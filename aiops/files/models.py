"""What was uploaded where, until when: a row for each file, written before it leaves."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import PurePath
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from aiops.gateway.files import ToldFile

MARKER_BYTES = 8


def new_marker() -> str:
    """What is in the name of one file at the provider and in no other."""
    return secrets.token_hex(MARKER_BYTES)


class UploadedFileQuerySet(models.QuerySet["UploadedFile"]):
    def there(self) -> Self:
        """At the provider, as far as is known."""
        return self.filter(state=UploadedFile.State.THERE)

    def unsettled(self, before: datetime) -> Self:
        """Of which nobody knows whether they arrived, although nobody is sending them any more.

        Args:
            before: whoever began to send before that has ended since.
        """
        open_states = (UploadedFile.State.UPLOADING, UploadedFile.State.UNKNOWN)
        return self.filter(state__in=open_states, created__lt=before)

    def expired(self, now: datetime) -> Self:
        """Still there, although their time is over."""
        return self.there().filter(expires__lte=now)

    def visible_to(self, user: Any) -> Self:
        """Those that a person may read."""
        return self if user.has_perm("aiops.view_uploadedfile") else self.filter(owner_id=user.pk)


class UploadedFile(models.Model):
    """One file at a provider, or on its way there."""

    class State(models.TextChoices):
        UPLOADING = "uploading", _("uploading")
        THERE = "there", _("there")
        DELETED = "deleted", _("deleted")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")

    connection = models.CharField(_("connection"), max_length=64)
    provider_id = models.CharField(
        _("id at the provider"), max_length=128, blank=True, help_text=_("Empty: not known to be there.")
    )
    marker = models.CharField(
        _("marker"), max_length=2 * MARKER_BYTES, unique=True, default=new_marker, help_text=_("In its name there.")
    )
    name = models.CharField(_("name"), max_length=120)
    purpose = models.CharField(_("purpose"), max_length=32)
    size = models.BigIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    content_type = models.CharField(_("kind"), max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Empty: the shop itself."),
    )
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UPLOADING)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it is not known to be there."))
    created = models.DateTimeField(_("uploaded"))
    expires = models.DateTimeField(_("expires"), null=True, help_text=_("Empty: when somebody deletes it."))
    deleted = models.DateTimeField(_("deleted"), null=True)

    objects = UploadedFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        ordering = ("-id",)
        # Only the machine adds and changes them.
        default_permissions = ("view", "delete")
        indexes = (
            models.Index(fields=("sha256",), name="aiops_file_sha256"),
            models.Index(fields=("connection", "provider_id"), name="aiops_file_provider_id"),
            models.Index(fields=("state", "expires"), name="aiops_file_state"),
            # Of the list: its filters, newest first.
            models.Index(fields=("state", "-id"), name="aiops_file_state_newest"),
            models.Index(fields=("connection", "-id"), name="aiops_file_connection"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def sent_name(self) -> str:
        """What the provider knows it by: whoever looks through its list finds the row by the marker."""
        name = PurePath(self.name)
        return f"{name.stem}-{self.marker}{name.suffix}"

    def may_be_read_by(self, user: Any) -> bool:
        """Whether a person may read it."""
        return self._is_of(user) or bool(user.has_perm("aiops.view_uploadedfile"))

    def may_be_deleted_by(self, user: Any) -> bool:
        """Whether a person may delete it at the provider."""
        return self._is_of(user) or bool(user.has_perm("aiops.delete_uploadedfile"))

    def arrived(self, told: ToldFile) -> None:
        """Record that the provider has it."""
        fields = {"state": self.State.THERE, "provider_id": told.provider_id, "error": ""}
        # A provider that does not say keeps what it was asked for.
        self._become(**fields, expires=told.expires or self.expires)

    def failed(self, error: str) -> None:
        """Record that it surely is not there."""
        self._become(state=self.State.FAILED, error=error)

    def lost(self, error: str) -> None:
        """Record that nobody knows whether it is there."""
        self._become(state=self.State.UNKNOWN, error=error)

    def gone(self, now: datetime) -> None:
        """Record that it is no longer there. A second time changes nothing."""
        if self.state != self.State.DELETED:
            self._become(state=self.State.DELETED, deleted=now)

    def _is_of(self, user: Any) -> bool:
        # Somebody who is not signed in has no key either, and owns nothing.
        owner: Any = self.owner_id
        return owner is not None and bool(owner == user.pk)

    def _become(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

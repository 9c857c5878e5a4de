"""What the versions of prompts and of schemas have in common: a number, an author, a reason, a hash."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from prompts.models.fixed import FixedContent


class NumberedVersion(FixedContent):
    """One wording among those of its parent; its content never changes."""

    number = models.PositiveIntegerField(_("version"))
    note = models.TextField(_("note"), blank=True, help_text=_("Why this version exists."))
    content_hash = models.CharField(_("content hash"), max_length=64, editable=False, db_index=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("created by"),
    )

    class Meta:
        abstract = True

"""A movable pointer to a version."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from prompts.errors import InvalidContent, Tampered
from prompts.models.prompt import Prompt
from prompts.models.version import PromptVersion

# Not digits alone: `triage-ticket@7` is the version 7.
LABEL_NAME = re.compile(r"(?=.*[a-z])[a-z0-9_-]{1,50}")


class Label(models.Model):
    """Says which version of a prompt is meant by a word, such as `production`."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="labels", verbose_name=_("prompt"))
    name = models.CharField(
        _("name"),
        max_length=50,
        validators=[RegexValidator(rf"\A{LABEL_NAME.pattern}\Z", _("Small letters, digits, - _"))],
    )
    # RESTRICT, not PROTECT: a prompt takes its versions and labels along; a version alone stays while a label is on it.
    version = models.ForeignKey(PromptVersion, models.RESTRICT, related_name="labels", verbose_name=_("version"))
    moved_at = models.DateTimeField(_("moved"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["prompt", "name"]
        constraints = [models.UniqueConstraint(fields=["prompt", "name"], name="prompts_label_once")]

    def __str__(self) -> str:
        return f"{self.name} → {self.version.number}"


class LabelMove(models.Model):
    """One move of a label: who, when, from where to where. Never changed."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="label_moves", verbose_name=_("prompt"))
    name = models.CharField(_("label"), max_length=50)
    from_number = models.PositiveIntegerField(_("from version"), null=True)
    """None where the label was new."""
    to_number = models.PositiveIntegerField(_("to version"))
    moved_at = models.DateTimeField(_("moved"), default=timezone.now)
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("moved by")
    )

    class Meta:
        verbose_name = _("label move")
        verbose_name_plural = _("label moves")
        ordering = ["-moved_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name}: {self.from_number or '—'} → {self.to_number}"


def move_label(version: PromptVersion, name: str, by: Any) -> Label:
    """Point a label at a version and record the move; a move to where it is already is none.

    Raises:
        Tampered: the version is not what was saved.
        InvalidContent: the name is not allowed.
    """
    if not LABEL_NAME.fullmatch(name):
        raise InvalidContent(
            [
                gettext('"%(name)s" is no name for a label: use small letters, digits, "-" and "_", not digits alone.')
                % {"name": name}
            ]
        )
    if not version.is_intact:
        raise Tampered(
            gettext("%(version)s was changed outside the admin: add a version with the wording that is meant.")
            % {"version": version}
        )
    with transaction.atomic():
        # The prompt's row is the lock of its labels: of two moves at once, each records what it really moved away from.
        Prompt.objects.filter(pk=version.prompt_id).update(last_number=F("last_number"))
        label = Label.objects.select_related("version").filter(prompt_id=version.prompt_id, name=name).first()
        before = label.version.number if label else None
        if label is not None and label.version_id == version.pk:
            return label
        now = timezone.now()
        label, _created = Label.objects.update_or_create(
            prompt_id=version.prompt_id, name=name, defaults={"version": version, "moved_at": now}
        )
        LabelMove.objects.create(
            prompt_id=version.prompt_id,
            name=name,
            from_number=before,
            to_number=version.number,
            moved_at=now,
            moved_by=by,
        )
    return label

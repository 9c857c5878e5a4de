"""A named question to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from prompts.errors import Unchanged

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from prompts.models.label import Label
    from prompts.models.schema import SchemaVersion
    from prompts.models.version import PromptVersion

OUTPUT_LIMIT = 1024
"""Tokens that an answer may have where nobody said otherwise."""


class PromptQuerySet(models.QuerySet["Prompt"]):
    """Questions about prompts."""

    def with_labels(self) -> Self:
        """Labels and the numbers they point to, in one query more."""
        from prompts.models.label import Label

        labels = Label.objects.select_related("version").defer("version__messages", "version__parameters")
        return self.prefetch_related(models.Prefetch("labels", labels))

    def with_latest(self) -> Self:
        """Adds `latest_number`, None where a prompt has no version."""
        return self.annotate(latest_number=models.Max("versions__number"))


class Prompt(models.Model):
    """A named question to a model; its wording is in its versions."""

    name = models.SlugField(
        _("name"),
        max_length=64,
        unique=True,
        help_text=_("How code, commands and schedules call it, such as triage-ticket. It stays as it is."),
    )
    title = models.CharField(_("title"), max_length=200, help_text=_("What people read."))
    description = models.TextField(_("description"), blank=True)
    reuse_seconds = models.PositiveIntegerField(
        _("reuse answers for, seconds"),
        null=True,
        blank=True,
        help_text=_("An answer to exactly the same question may be given again for so long. Empty: never."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_number = models.PositiveIntegerField(_("last number given"), default=0, editable=False)
    """Counts on when versions are deleted: a number in a log must never come to mean another wording."""

    versions: RelatedManager[PromptVersion]
    labels: RelatedManager[Label]

    objects: ClassVar[Any] = PromptQuerySet.as_manager()

    class Meta:
        verbose_name = _("prompt")
        verbose_name_plural = _("prompts")
        ordering = ["name"]
        permissions = [("publish_prompt", "Can move the labels of a prompt")]

    def __str__(self) -> str:
        return self.name

    def get_admin_url(self, site: str = "admin") -> str:
        """Address of its page in the admin site of that name."""
        return reverse("admin:prompts_prompt_change", args=[self.pk], current_app=site)

    def add_version(
        self,
        *,
        messages: Sequence[Mapping[str, str]],
        model: str = "",
        connection: str = "",
        parameters: Mapping[str, Any] | None = None,
        output_limit: int = OUTPUT_LIMIT,
        schema: SchemaVersion | None = None,
        fallbacks: Sequence[Mapping[str, Any]] = (),
        note: str = "",
        by: Any = None,
    ) -> PromptVersion:
        """Save a wording as the next version: the one door to new versions, safe from several processes at once.

        Args:
            messages: `{"role": …, "content": <template>}` in the order they are sent.
            model: the connection's own where it is blank.
            connection: alias; `default` where it is blank.
            parameters: sampling and the like, in the provider's words.
            output_limit: most tokens of an answer.
            schema: what an answer must satisfy; None for free text.
            fallbacks: whom to ask instead, in order: `{"connection": …, "model": …, "on": […]}`.
            note: why this version exists.
            by: the user.

        Raises:
            InvalidContent: it would not be usable; all problems are named.
            Unchanged: the latest version says exactly this.
        """
        from prompts.models.version import PromptVersion

        version = PromptVersion(
            prompt=self,
            number=0,
            messages=[dict(message) for message in messages],
            model=model,
            connection=connection,
            parameters=dict(parameters or {}),
            output_limit=output_limit,
            schema=schema,
            fallbacks=[dict(fallback) for fallback in fallbacks],
            note=note,
            created_by=by,
        )
        version.seal()
        with transaction.atomic():
            version.number = next_number(self, PromptVersion.objects.filter(prompt=self), version.content_hash)
            version.save(force_insert=True)
        return version


def next_number(parent: Any, versions: Any, content_hash: str) -> int:
    """The number after the last one given, with the parent's row locked until the transaction ends.

    Raises:
        Unchanged: the latest version has this hash.
    """
    rows = type(parent).objects.filter(pk=parent.pk)
    # The update comes first: it takes the lock under which the rest is read.
    rows.update(last_number=F("last_number") + 1)
    latest = versions.order_by("-number").first()
    if latest is not None and latest.content_hash == content_hash:
        raise Unchanged(latest)
    given: int = rows.values_list("last_number", flat=True).get()
    number = max(given, latest.number + 1 if latest is not None else 1)
    if number != given:
        rows.update(last_number=number)
    parent.last_number = number
    return number

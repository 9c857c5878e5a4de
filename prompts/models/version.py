"""One immutable wording of a prompt."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from prompts.canonical import canonical, content_hash, same_hash
from prompts.content import problems_of_content
from prompts.errors import InvalidContent
from prompts.models.fixed import FixedQuerySet
from prompts.models.numbered import NumberedVersion
from prompts.models.prompt import OUTPUT_LIMIT, Prompt
from prompts.rendering.variables import optional_variables, required_variables

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from prompts.models.label import Label

PRODUCTION = "production"
"""The label that is meant where nobody names one."""


class PromptVersionQuerySet(FixedQuerySet["PromptVersion"]):
    """Questions about versions."""

    def whole(self) -> Self:
        """With what is needed to ask: the prompt and the schema."""
        return self.select_related("prompt", "schema__schema")

    def listed(self) -> Self:
        """Without the long texts."""
        return self.select_related("prompt", "created_by").defer("messages", "parameters")


class PromptVersion(NumberedVersion):
    """One immutable wording: messages, model, connection, parameters, limit, schema. Made by `Prompt.add_version()`."""

    fixed_fields = frozenset(
        {
            "prompt",
            "number",
            "messages",
            "model",
            "connection",
            "parameters",
            "output_limit",
            "schema",
            "fallbacks",
            "content_hash",
        }
    )

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="versions", verbose_name=_("prompt"))
    messages = models.JSONField(_("messages"))
    """`[{"role": "system" | "developer" | "user" | "assistant", "content": <template>}, …]`"""
    model = models.CharField(_("model"), max_length=128, blank=True, help_text=_("Blank: the connection's own."))
    connection = models.CharField(_("connection"), max_length=64, blank=True, help_text=_("Blank: default."))
    parameters = models.JSONField(
        _("parameters"),
        default=dict,
        blank=True,
        help_text=_('In the provider\'s own words, such as {"temperature": 0}.'),
    )
    output_limit = models.PositiveIntegerField(
        _("output limit"),
        default=OUTPUT_LIMIT,
        validators=[MinValueValidator(1)],
        help_text=_("Most tokens of an answer, reasoning included."),
    )
    schema = models.ForeignKey(
        "prompts.SchemaVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="prompt_versions",
        verbose_name=_("schema"),
        help_text=_("What an answer must satisfy. None: free text."),
    )
    fallbacks = models.JSONField(
        _("fallbacks"),
        default=list,
        blank=True,
        help_text=_("Whom to ask instead, in order, and when. Whoever is asked sees what is sent."),
    )
    """`[{"connection": <alias>, "model": <name>, "on": ["transport", …]}, …]`"""
    labels: RelatedManager[Label]

    objects: ClassVar[Any] = PromptVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("prompt version")
        verbose_name_plural = _("prompt versions")
        ordering = ["prompt", "-number"]
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="prompts_version_number_once")]
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.prompt.name} v{self.number}"

    def get_admin_url(self, site: str = "admin") -> str:
        """Address of its page in the admin site of that name."""
        return reverse("admin:prompts_promptversion_change", args=[self.pk], current_app=site)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Names that must be given: every one that a template reads without a guard."""
        return required_variables(self.messages)

    @cached_property
    def optional(self) -> frozenset[str]:
        """Names that may be given: read only behind `is defined` or `default`."""
        return optional_variables(self.messages)

    @property
    def is_intact(self) -> bool:
        """Whether the content, its schema's included, is what was saved."""
        return same_hash(self.content_hash, self._hash) and (self.schema is None or self.schema.is_intact)

    def seal(self) -> None:
        """Check the content and set its hash.

        Raises:
            InvalidContent: with all problems.
        """
        if self.number is None:
            raise InvalidContent([gettext("Make versions by prompt.add_version(…), which gives them their number.")])
        problems = problems_of_content(self.messages, self.parameters, self.output_limit, self.fallbacks)
        if problems:
            raise InvalidContent(problems)
        self.content_hash = self._hash()

    def _hash(self) -> str:
        content = {
            "messages": self.messages,
            "model": self.model,
            "connection": self.connection,
            "parameters": self.parameters,
            "output_limit": self.output_limit,
            "schema": self.schema.content_hash if self.schema else None,
        }
        if self.fallbacks:
            # Left out where there are none: versions that were saved before there were any keep their hash.
            content["fallbacks"] = self.fallbacks
        return content_hash(canonical(content))

    def set_label(self, name: str, by: Any = None) -> Label:
        """Point a label of the prompt here, whether or not it existed.

        Raises:
            Tampered: this version is not what was saved.
            InvalidContent: the label's name is not allowed.
        """
        from prompts.models.label import move_label

        return move_label(self, name, by)

    def publish(self, by: Any = None) -> Label:
        """Point `production` here; see `set_label`."""
        return self.set_label(PRODUCTION, by)

"""A named JSON Schema that an answer must satisfy, and its immutable versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from prompts.canonical import canonical, content_hash, same_hash
from prompts.errors import InvalidSchema
from prompts.models.fields import OrderedJSONField
from prompts.models.fixed import FixedContent, FixedQuerySet
from prompts.models.numbered import NumberedVersion
from prompts.models.prompt import next_number
from prompts.schemas import problems_of_schema

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from prompts.models.version import PromptVersion


class OutputSchemaQuerySet(FixedQuerySet["OutputSchema"]):
    """Questions about schemas."""

    def with_latest(self) -> Self:
        """Adds `latest_number`, None where a schema has no version."""
        return self.annotate(latest_number=models.Max("versions__number"))


class OutputSchema(FixedContent):
    """A named schema; what it says is in its versions. The name is sent along, so that it never changes."""

    fixed_fields = frozenset({"name"})

    name = models.SlugField(
        _("name"),
        max_length=64,
        unique=True,
        help_text=_("Sent to the provider, such as ticket-triage. It stays as it is."),
    )
    title = models.CharField(_("title"), max_length=200, help_text=_("What people read."))
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_number = models.PositiveIntegerField(_("last number given"), default=0, editable=False)

    versions: RelatedManager[SchemaVersion]

    objects: ClassVar[Any] = OutputSchemaQuerySet.as_manager()

    class Meta:
        verbose_name = _("output schema")
        verbose_name_plural = _("output schemas")
        ordering = ["name"]
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def fixed_remedy(cls) -> str:
        """What to do instead."""
        return gettext("add another schema instead.")

    def get_admin_url(self, site: str = "admin") -> str:
        """Address of its page in the admin site of that name."""
        return reverse("admin:prompts_outputschema_change", args=[self.pk], current_app=site)

    def add_version(self, body: dict[str, Any], *, note: str = "", by: Any = None) -> SchemaVersion:
        """Save a body as the next version; safe from several processes at once.

        Raises:
            InvalidSchema: it cannot be used; all problems are named.
            Unchanged: the latest version says exactly this.
        """
        version = SchemaVersion(schema=self, number=0, body=body, note=note, created_by=by)
        version.seal()
        with transaction.atomic():
            version.number = next_number(self, SchemaVersion.objects.filter(schema=self), version.content_hash)
            version.save(force_insert=True)
        return version


class SchemaVersionQuerySet(FixedQuerySet["SchemaVersion"]):
    """Questions about versions of schemas."""

    def listed(self) -> Self:
        """Without the long texts."""
        return self.select_related("schema", "created_by").defer("body")


class SchemaVersion(NumberedVersion):
    """One immutable JSON Schema (2020-12). Made by `OutputSchema.add_version()`."""

    fixed_fields = frozenset({"schema", "number", "body", "content_hash"})

    schema = models.ForeignKey(OutputSchema, models.CASCADE, related_name="versions", verbose_name=_("schema"))
    body = OrderedJSONField(_("JSON Schema"))

    prompt_versions: RelatedManager[PromptVersion]

    objects: ClassVar[Any] = SchemaVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("schema version")
        verbose_name_plural = _("schema versions")
        ordering = ["schema", "-number"]
        constraints = [models.UniqueConstraint(fields=["schema", "number"], name="prompts_schema_number_once")]
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.schema.name} v{self.number}"

    def get_admin_url(self, site: str = "admin") -> str:
        """Address of its page in the admin site of that name."""
        return reverse("admin:prompts_schemaversion_change", args=[self.pk], current_app=site)

    @property
    def is_intact(self) -> bool:
        """Whether the content is what was saved."""
        return same_hash(self.content_hash, self._hash)

    def seal(self) -> None:
        """Check the body and set its hash.

        Raises:
            InvalidSchema: with all problems.
        """
        if self.number is None:
            raise InvalidSchema([gettext("Make versions by schema.add_version(…), which gives them their number.")])
        problems = problems_of_schema(self.body)
        if problems:
            raise InvalidSchema([str(problem) for problem in problems])
        self.content_hash = self._hash()

    def _hash(self) -> str:
        return content_hash(canonical({"name": self.schema.name, "body": self.body}, keep_order=True))

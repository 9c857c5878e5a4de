"""Rows whose content never changes once saved, whichever door is tried.

Every write of Django's ORM goes through one of three QuerySet methods: `update` (and with it `bulk_update` and related
managers), `_update` (`save`, `loaddata`, `update_or_create`) and `bulk_create`. They are closed here; what goes around
the ORM shows in the content hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Generic, TypeVar

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from prompts.canonical import canonical
from prompts.errors import ContentIsFixed
from prompts.models.fields import OrderedJSONField

Row = TypeVar("Row", bound="FixedContent", covariant=True)


class FixedQuerySet(models.QuerySet[Row], Generic[Row]):
    """Refuses to change the fixed fields of rows that exist."""

    def update(self, **kwargs: Any) -> int:
        """Change what may change.

        Raises:
            ContentIsFixed: a fixed field is named, whatever its value.
        """
        self._refuse(kwargs)
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Change what may change; see `update`."""
        fields = list(fields)
        self._refuse(fields)
        return super().bulk_update(objs, fields, batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Add rows, each checked as by `save()`; on conflict, only what may change is changed."""
        objs = list(objs)
        update_fields = kwargs.get("update_fields") or (args[3] if len(args) > 3 else None)
        self._refuse(update_fields or ())
        for obj in objs:
            obj.seal()
        return super().bulk_create(objs, *args, **kwargs)

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def _update(self, values: Any, *args: Any, **kwargs: Any) -> Any:
        fixed = [(field, value) for field, _model, value in values if field.name in self.model.fixed_fields]
        if fixed:
            for row in self.values("pk", *(field.attname for field, value in fixed)):
                changed = [field.name for field, value in fixed if not _same(field, row[field.attname], value)]
                self._refuse(changed)
        return super()._update(values, *args, **kwargs)  # type: ignore[misc]

    def _refuse(self, names: Collection[str]) -> None:
        fields = [field for field in self.model._meta.concrete_fields if field.name in self.model.fixed_fields]
        never = {"pk", self.model._meta.pk.name}.union(*({field.name, field.attname} for field in fields))
        fixed = [name for name in names if name in never]
        if fixed:
            raise ContentIsFixed(
                _("%(model)s: %(fields)s never changes once saved; %(remedy)s")
                % {
                    "fields": ", ".join(fixed),
                    "model": capfirst(self.model._meta.verbose_name),
                    "remedy": self.model.fixed_remedy(),
                }
            )


def _same(field: Any, stored: Any, value: Any) -> bool:
    if isinstance(field, OrderedJSONField):
        return field.same(stored, value)
    if isinstance(field, models.JSONField):
        return canonical(stored) == canonical(value)
    return bool(field.to_python(stored) == field.to_python(value))


class FixedContent(models.Model):
    """A model with fields that never change after the first save."""

    fixed_fields: ClassVar[frozenset[str]] = frozenset()

    objects: ClassVar[models.Manager[Any]] = FixedQuerySet.as_manager()

    class Meta:
        abstract = True
        # Django saves through the base manager, and related managers update through it.
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; refuses changed content of a row that exists.

        Raises:
            ContentIsFixed: see the class.
            InvalidContent: a new row would not be usable.
        """
        if self._state.adding or not self._is_stored():
            self.seal()
        super().save(*args, **kwargs)

    def _is_stored(self) -> bool:
        # A row that was read and got another key, or none, is copied by saving it: Django does not call that adding.
        return self.pk is not None and type(self)._base_manager.filter(pk=self.pk).exists()

    @classmethod
    def fixed_remedy(cls) -> str:
        """What to do instead, the second half of a sentence."""
        return _("add a new version instead.")

    def seal(self) -> None:
        """Check the content and set what follows from it, before the row is first saved."""

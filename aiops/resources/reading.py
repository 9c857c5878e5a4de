"""Reading rows through a source: what its fields give, and loading no more than they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet
from django.db.models.signals import post_init
from django.utils import timezone, translation
from django.utils.translation import gettext
from import_export.resources import ModelResource
from import_export.widgets import BooleanWidget, ForeignKeyWidget, JSONWidget, NumberWidget

from aiops.resources.errors import NotPlain
from aiops.resources.plain import Plain, plain


@dataclass(frozen=True, slots=True)
class SourceField:
    """One field of a source."""

    name: str
    """Its name in the resource: the variable of that name in templates."""

    field: Any
    """The field of django-import-export."""

    computed: bool
    """Whether a `dehydrate_…` method of the shop makes the value."""

    @property
    def path(self) -> tuple[str, ...]:
        """What is read of the row, step by step: the field's attribute, then what its widget reads of a related row."""
        steps = tuple((self.field.attribute or "").split("__"))
        widget = self.field.widget
        if isinstance(widget, ForeignKeyWidget) and not (widget.key_is_id or widget.use_natural_foreign_keys):
            steps += tuple(widget.field.split("__"))
        return steps

    def value(self, resource: Any, instance: Model) -> object:
        """What the resource gives for `instance`, numbers, booleans and JSON as themselves and not as text."""
        # The library's own JSON widget writes {} and [] as nothing; one of the shop's may leave things out on purpose.
        if type(self.field.widget) is JSONWidget and not self.computed:
            return self.field.get_value(instance)
        native = isinstance(self.field.widget, NumberWidget | BooleanWidget)
        return resource.export_field(self.field, instance, **({"force_native_type": True} if native else {}))


class RowReader:
    """Turns rows into variables by a source. Made once, used for many rows."""

    def __init__(self, resource: ModelResource) -> None:
        self.resource = resource
        self.fields = tuple(_source_field(resource, field) for field in resource.get_export_fields())

    @property
    def names(self) -> frozenset[str]:
        """The variables that every row gives."""
        return frozenset(field.name for field in self.fields)

    def variables(self, instance: Model) -> dict[str, Plain]:
        """What `instance` gives, by the name of each field.

        Raises:
            NotPlain: a field gives something that a template cannot be given.
        """
        values = {}
        # A row must read the same for everybody, whatever language and time zone whoever asks has chosen.
        with translation.override(settings.LANGUAGE_CODE), timezone.override(None):
            for field in self.fields:
                try:
                    values[field.name] = plain(field.value(self.resource, instance))
                except TypeError as error:
                    raise NotPlain(
                        gettext(
                            "The field “%(field)s” of %(resource)s gives %(type)s, which a prompt cannot read: "
                            "give it a widget or a dehydrate method that makes text of it."
                        )
                        % {"field": field.name, "resource": type(self.resource).__name__, "type": error},
                        field.name,
                    ) from error
        return values

    def narrow(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """`queryset` loading what the source reads, and as little else as is safe.

        Related rows come along in the same query, many-to-many ones in one more each chunk.
        """
        if queryset.query.combinator or queryset._fields is not None:  # type: ignore[attr-defined]
            return queryset
        routes = [_Route.of(queryset.model, field) for field in self.fields]
        related = sorted({step for route in routes for step in route.related})
        many = sorted({route.many for route in routes if route.many})
        chosen_already = queryset.query.select_related or queryset.query.deferred_loading != (frozenset(), True)
        if related:
            queryset = queryset.select_related(*related)
        if many:
            queryset = queryset.prefetch_related(*many)
        columns = {route.column for route in routes if route.column}
        if all(route.column for route in routes) and not chosen_already and _may_be_partial(queryset.model):
            queryset = queryset.only("pk", *sorted(columns))
        return queryset


def _source_field(resource: ModelResource, field: Any) -> SourceField:
    name = resource.get_field_name(field)
    dehydrate = field.get_dehydrate_method(name)
    return SourceField(name, field, callable(dehydrate) or hasattr(resource, dehydrate))


@dataclass(frozen=True, slots=True)
class _Route:
    """Where a field leads in the database."""

    column: str = ""
    """The one column it reads, as `only()` names it; empty where that cannot be known."""

    related: tuple[str, ...] = ()
    """The foreign keys on the way, as `select_related()` names them."""

    many: str = ""

    @classmethod
    def of(cls, model: type[Model], field: SourceField) -> _Route:
        taken: list[str] = []
        related: list[str] = []
        here: type[Model] | None = model
        for position, step in enumerate(field.path):
            if here is None:
                return cls(related=tuple(related))
            try:
                found = here._meta.pk if step == "pk" else here._meta.get_field(step)
            except FieldDoesNotExist:
                found = None
            if isinstance(found, ManyToManyField) and position == 0:
                return cls(many=found.name)
            if not isinstance(found, Field) or not found.concrete:
                return cls(related=tuple(related))
            taken.append(found.name)
            last = position == len(field.path) - 1
            here = None
            if isinstance(found, ForeignKey) and step == found.name and not last:
                related.append("__".join(taken))
                here = found.related_model
            elif isinstance(found, ForeignKey) and step == found.name:
                # The related row itself is wanted, all of it.
                return cls(related=(*related, "__".join(taken)))
        # A dehydrate method may read anything of the row.
        return cls(column="" if field.computed else "__".join(taken), related=tuple(related))


def _may_be_partial(model: type[Model]) -> bool:
    """Whether making an instance reads nothing of it: otherwise every column left out costs a query a row."""
    own_code = model.__init__ is not Model.__init__ or model.from_db.__func__ is not Model.from_db.__func__  # type: ignore[attr-defined]
    return not own_code and not post_init.has_listeners(model)

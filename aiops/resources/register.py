"""The register: for each model, the resource that says what may be read of it, and the one for what may be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Model
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext
from import_export.resources import ModelResource

from aiops.resources.errors import AlreadyRegistered, BadResource, NotRegistered
from aiops.resources.reading import RowReader


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What of a model may be read, and written."""

    model: type[Model]

    source: type[ModelResource]
    """Its export fields are what may leave the building; nothing else of a row does."""

    target: type[ModelResource] | None = None
    """Its import fields are what may be written; None where nothing may."""

    @property
    def label(self) -> str:
        """The model as people and commands name it: `helpdesk.Ticket`."""
        return self.model._meta.label

    def reader(self) -> RowReader:
        """A reader over a fresh instance of the source: resources may keep state."""
        return RowReader(self.source())


_specs: dict[type[Model], SourceSpec] = {}


def register(model: type[Model], *, source: type[ModelResource], target: type[ModelResource] | None = None) -> None:
    """Say which fields of `model` prompts may read, and which may be written.

    Raises:
        AlreadyRegistered: the model has a source already.
        BadResource: `source` or `target` is no ModelResource of `model`, or names no fields.
    """
    if model in _specs:
        raise AlreadyRegistered(
            gettext("%(model)s is registered already, with %(source)s: unregister it first, or register it once.")
            % {"model": model._meta.label, "source": _specs[model].source.__qualname__},
            model,
        )
    for resource in (source, target):
        if resource is not None:
            _check(model, resource)
    _specs[model] = SourceSpec(model, source, target)


def unregister(model: type[Model]) -> None:
    """Forget the resources of `model`.

    Raises:
        NotRegistered: there are none.
    """
    del _specs[source_of(model).model]


def source_of(model: type[Model]) -> SourceSpec:
    """What may be read of `model`; a proxy without a source of its own has its model's.

    Raises:
        NotRegistered: nobody said.
    """
    spec = _specs.get(model) or _specs.get(model._meta.concrete_model or model)
    if spec is None:
        raise NotRegistered(
            gettext(
                "%(model)s has no source: write a ModelResource that names the fields which prompts may read, "
                "and register it in %(module)s.resources with aiops.resources.register(%(name)s, source=…)."
            )
            % {
                "model": model._meta.label,
                "module": model._meta.app_config.name if model._meta.app_config else model._meta.app_label,
                "name": model.__name__,
            },
            model,
        )
    return spec


def registered_models() -> tuple[type[Model], ...]:
    """The models that prompts may be run over, by label."""
    return tuple(sorted(_specs, key=lambda model: model._meta.label))


def autodiscover() -> None:
    """Import the `resources` module of every installed app, where they register."""
    autodiscover_modules("resources")


def _check(model: type[Model], resource: type[ModelResource]) -> None:
    for problem in _problems(model, resource):
        raise BadResource(problem, model)


def _problems(model: type[Model], resource: type[ModelResource]) -> Iterator[str]:
    name = getattr(resource, "__qualname__", repr(resource))
    if not (isinstance(resource, type) and issubclass(resource, ModelResource)):
        yield gettext("%(name)s is no ModelResource: derive it from import_export.resources.ModelResource.") % {
            "name": name
        }
        return
    about = resource._meta.model
    if about is None or about._meta.concrete_model is not model._meta.concrete_model:
        yield gettext("%(name)s is a resource of %(about)s: set Meta.model of it to %(model)s.") % {
            "name": name,
            "about": about._meta.label if about else gettext("no model"),
            "model": model._meta.label,
        }
        return
    if isinstance(resource._meta.fields, str):
        # Every column whose name is found within it would be read.
        yield gettext("%(name)s has a text as its Meta.fields: write (“%(fields)s”,), with a comma, or a list.") % {
            "name": name,
            "fields": resource._meta.fields,
        }
    # Without the list, every column is in it, those added next year included.
    if not resource._meta.fields:
        yield gettext("%(name)s does not say which fields it is about: list them in Meta.fields.") % {"name": name}

"""Which fields of which models may be read and written: the register of django-import-export resources."""

from aiops.resources.errors import AlreadyRegistered, BadResource, NotPlain, NotRegistered, ResourceError
from aiops.resources.plain import Plain, plain
from aiops.resources.reading import RowReader
from aiops.resources.register import SourceSpec, autodiscover, register, registered_models, source_of, unregister

__all__ = [
    "AlreadyRegistered",
    "BadResource",
    "NotPlain",
    "NotRegistered",
    "Plain",
    "ResourceError",
    "RowReader",
    "SourceSpec",
    "autodiscover",
    "plain",
    "register",
    "registered_models",
    "source_of",
    "unregister",
]

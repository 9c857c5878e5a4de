"""What can go wrong with the register of resources. `str(error)` is one sentence for people.

ResourceError
├── NotRegistered        .model: nobody said what of it may be read
├── AlreadyRegistered    .model: somebody else said it already
├── BadResource          .model: what was given cannot say it
└── NotPlain             .field: a value that a template cannot be given
"""

from __future__ import annotations

from django.db.models import Model


class ResourceError(Exception):
    """A resource is missing or unfit."""


class _OfModel(ResourceError):
    def __init__(self, message: str, model: type[Model]) -> None:
        super().__init__(message)
        self.model = model


class NotRegistered(_OfModel):
    pass


class AlreadyRegistered(_OfModel):
    pass


class BadResource(_OfModel):
    pass


class NotPlain(ResourceError):
    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field

"""Why a model may not be asked.

CatalogueError
└── ModelRestricted      the person is in none of the groups that may use the model
"""

from __future__ import annotations

from django.utils.translation import gettext as _


class CatalogueError(Exception):
    """`str(error)` is one sentence with the remedy; nothing was sent and nothing was spent."""


class ModelRestricted(CatalogueError):
    """Only some groups may use the model."""

    kind = "restricted"

    def __init__(self, model: str, connection: str) -> None:
        super().__init__(
            _(
                "The model “%(model)s” over the connection “%(connection)s” is for some groups only, and this user is "
                "in none of them: choose another model, or ask somebody who may change the catalogue of models."
            )
            % {"model": model, "connection": connection}
        )

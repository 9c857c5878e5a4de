"""A JSON field that keeps the order of keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from prompts.canonical import canonical

if TYPE_CHECKING:
    Text = models.TextField[Any, Any]
else:
    Text = models.TextField


class OrderedJSONField(Text):
    """JSON kept as text.

    A model answers a schema's properties in the order in which they are written, and PostgreSQL's `jsonb` forgets it.
    """

    if TYPE_CHECKING:
        # What the plug-in for types takes as the type to assign, in place of text.
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        try:
            return None if value is None else json.loads(value)
        except (ValueError, RecursionError):
            # Written by hand into the database: shown as it is, and found by its hash.
            return value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, allow_nan=False)

    def to_python(self, value: Any) -> Any:
        """The object; a text is read as JSON.

        Raises:
            ValidationError: the text is no JSON.
        """
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                _("This is not JSON: %(error)s."), code="invalid", params={"error": str(error)}
            ) from error

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj), ensure_ascii=False)

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values are the same content."""
        return canonical(one, keep_order=True) == canonical(other, keep_order=True)

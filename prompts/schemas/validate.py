"""Whether an answer satisfies its schema, in sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
from django.utils.translation import gettext as _
from jsonschema_rs import ValidationErrorKind as Kind

MOST = 20
"""Most problems named of one answer."""


class AnswerValidator:
    """A compiled schema."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._validator = jsonschema_rs.Draft202012Validator(dict(body), validate_formats=True, offline=True)

    def problems(self, data: Any) -> list[str]:
        """One short sentence for each thing that is wrong with an answer; empty when it satisfies the schema."""
        try:
            if self._validator.is_valid(data):
                return []
            return [
                _sentence(error) for error, _number in zip(self._validator.iter_errors(data), range(MOST), strict=False)
            ]
        except UnicodeEncodeError:
            return [_("The answer holds half a character.")]
        except (ValueError, RecursionError) as error:
            return [_("The answer cannot be checked: %(error)s.") % {"error": str(error)[:100]}]


def problems_of(body: Mapping[str, Any], data: Any) -> list[str]:
    """What is wrong with an answer, the compiled schema kept for the next time.

    Args:
        body: a schema that `problems_of_schema` finds nothing wrong with.
        data: the answer, parsed from JSON.
    """
    return compiled(json.dumps(body)).problems(data)


@lru_cache(maxsize=512)
def compiled(text: str) -> AnswerValidator:
    """The validator of a schema, given as JSON; one a process."""
    return AnswerValidator(json.loads(text))


def _path(error: jsonschema_rs.ValidationError) -> str:
    path = ""
    for part in error.instance_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    path, shown = _path(error), _shown(error.instance)
    match error.kind:
        case Kind.Enum():
            allowed = [str(option) for option in error.kind.options]
            names = ", ".join(allowed[:12]) + (", …" if len(allowed) > 12 else "")
            text = _("%(value)s is not one of %(names)s") % {"value": shown, "names": names}
        case Kind.Required():
            return _("%(name)s is missing") % {"name": f"{path}.{error.kind.property}" if path else error.kind.property}
        case Kind.AdditionalProperties():
            names = ", ".join(error.kind.unexpected[:12])
            text = _("%(names)s is not asked for") % {"names": names}
        case Kind.Type():
            text = _("%(value)s is not of the type %(types)s") % {"value": shown, "types": " / ".join(error.kind.types)}
        case Kind.Pattern():
            text = _("%(value)s does not match %(pattern)s") % {"value": shown, "pattern": error.kind.pattern}
        case Kind.AnyOf():
            text = _("%(value)s fits none of the forms that are allowed") % {"value": shown}
        case Kind.Format():
            text = _("%(value)s is no valid %(format)s") % {"value": shown, "format": error.kind.format}
        case _:
            text = error.message if len(error.message) <= 200 else error.message[:199] + "…"
    return f"{path}: {text}" if path else text

"""Prompts and schemas as JSON files: read, and refused where they are not what they should be.

A schema: `{"name", "title", "description", "body", "note"}`; name, title and body are required.

A prompt: `{"name", "title", "description", "schema", "model", "connection", "parameters", "output_limit", "messages":
[{"role", "content"}], "fallbacks": [{"connection", "model", "on"}], "labels": ["production"], "note"}`, its schema by
name or null; name, title and messages are required.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from prompts import strict_json
from prompts.errors import BadFile
from prompts.models.prompt import OUTPUT_LIMIT

FILE_BYTES = 5_000_000


@dataclass(frozen=True, kw_only=True)
class SchemaFile:
    """One file of a schema."""

    path: Path
    name: str
    title: str
    body: dict[str, Any]
    description: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    """One file of a prompt."""

    path: Path
    name: str
    title: str
    messages: list[dict[str, str]]
    description: str = ""
    schema: str | None = None
    model: str = ""
    connection: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    output_limit: int = OUTPUT_LIMIT
    fallbacks: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    note: str = ""


KINDS: dict[str, type | tuple[type, ...]] = {
    "messages": list,
    "fallbacks": list,
    "labels": list,
    "body": dict,
    "parameters": dict,
    "output_limit": int,
    "schema": (str, type(None)),
}
"""Everything else is text."""
WORDS = {list: _lazy("a list"), dict: _lazy("an object"), int: _lazy("a whole number"), str: _lazy("text")}


def read_schema(path: Path) -> SchemaFile:
    """Raises: BadFile: it is no file of a schema."""
    return SchemaFile(path=path, **_checked(path, required={"name", "title", "body"}, known=SchemaFile))


def read_prompt(path: Path) -> PromptFile:
    """Raises: BadFile: it is no file of a prompt."""
    found = PromptFile(path=path, **_checked(path, required={"name", "title", "messages"}, known=PromptFile))
    if not all(isinstance(label, str) for label in found.labels):
        raise BadFile(_('%(path)s: "labels" is a list of names, such as ["production"].') % {"path": path})
    return found


def _checked(path: Path, *, required: set[str], known: type) -> dict[str, Any]:
    data = _read(path)
    if missing := sorted(required - set(data)):
        raise BadFile(_("%(path)s: %(keys)s is missing: add it.") % {"path": path, "keys": ", ".join(missing)})
    allowed = set(known.__dataclass_fields__) - {"path"}  # type: ignore[attr-defined]
    if strange := sorted(set(data) - allowed):
        raise BadFile(
            _("%(path)s: %(keys)s is not known; remove it, or use one of: %(allowed)s.")
            % {"path": path, "keys": ", ".join(strange), "allowed": ", ".join(sorted(allowed))}
        )
    for key, value in data.items():
        kind = KINDS.get(key, str)
        if not isinstance(value, kind) or isinstance(value, bool):
            word = WORDS[kind if isinstance(kind, type) else str]
            raise BadFile(_('%(path)s: "%(key)s" must be %(kind)s.') % {"path": path, "key": key, "kind": word})
    try:
        validate_slug(data["name"])
    except ValidationError as error:
        raise BadFile(
            _('%(path)s: the name "%(name)s" may have letters, digits, "-" and "_" only.')
            % {"path": path, "name": data["name"]}
        ) from error
    if len(data["name"]) > 64 or len(data["title"]) > 200:
        raise BadFile(_("%(path)s: a name has at most 64 characters, a title 200.") % {"path": path})
    return data


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > FILE_BYTES:
            raise BadFile(_("%(path)s is larger than 5 MB: that is no prompt.") % {"path": path})
        data = strict_json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise BadFile(_("%(path)s cannot be read: %(error)s.") % {"path": path, "error": error.strerror}) from error
    except UnicodeDecodeError as error:
        raise BadFile(_("%(path)s is not UTF-8: save it as UTF-8.") % {"path": path}) from error
    except (ValueError, RecursionError) as error:
        raise BadFile(_("%(path)s is not JSON: %(error)s.") % {"path": path, "error": error}) from error
    if not isinstance(data, dict):
        raise BadFile(_("%(path)s must hold one JSON object: {…}.") % {"path": path})
    return data

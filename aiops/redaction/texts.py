"""The texts in a message: which of its parts are words of somebody, and which are structure or pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from aiops.gateway.plain_text import storable
from aiops.redaction.errors import NotReadable

STRUCTURE = frozenset({"role", "type", "id", "tool_call_id", "call_id", "file_id", "status"})
"""Fields that the provider gave, or wants as they are."""

OPAQUE = frozenset({"image_url", "input_audio", "audio", "file_data", "encrypted_content"})
"""Pictures, sound and the like. What is in them cannot be seen here."""

DATA = frozenset({"arguments", "input"})
"""What a function is called with: no field below is structure, whatever it is called."""

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"|-?[0-9]++(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?', re.DOTALL)
"""A text or a number of JSON."""

Change = Callable[[str], str]


def changed_message(message: object, change: Change) -> Any:
    """A copy of `message` with `change` made of every text in it; the very same where nothing changed.

    Everything is looked at that is not known to be structure or a picture: a field that nobody here has heard of
    carries nothing out.

    Raises:
        NotReadable: there is something in it that is no plain data.
    """
    if not isinstance(message, Mapping):
        raise NotReadable(_("is of type %(type)s and no dictionary") % {"type": type(message).__name__})
    try:
        return _changed_mapping(message, change, _kept_of(message))
    except RecursionError:
        pass
    raise NotReadable(_("is nested too deeply"))


def changed_text(text: str, change: Change) -> str:
    """What `change` makes of a text. Where that is JSON, of each value and key in it, and JSON it stays.

    A number in which something is found, such as that of a card, becomes a text.
    """
    if not _is_json(text):
        return change(text)

    def of(match: re.Match[str]) -> str:
        literal = match[0]
        value = json.loads(literal, strict=False) if literal[0] == '"' else literal
        wanted = changed_text(value, change)
        # What no database can hold stays behind its escape; the rest is to be read by people.
        return literal if wanted == value else json.dumps(wanted, ensure_ascii=storable(wanted) != wanted)

    changed = _LITERAL.sub(of, text)
    return text if changed == text else changed


def _is_json(text: str) -> bool:
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _changed(value: object, change: Change, *, is_data: bool) -> Any:
    match value:
        case str():
            return changed_text(value, change)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return _changed_mapping(value, change, frozenset() if is_data else _kept_of(value), is_data=is_data)
        case list() | tuple():
            found = [_changed(part, change, is_data=is_data) for part in value]
            return value if all(new is old for new, old in zip(found, value, strict=True)) else found
    raise NotReadable(_("holds something of type %(type)s") % {"type": type(value).__name__})


def _changed_mapping(
    value: Mapping[Any, Any], change: Change, kept: frozenset[str], *, is_data: bool = False
) -> Mapping[Any, Any]:
    found = {
        key: part if key in kept else _changed(part, change, is_data=is_data or key in DATA)
        for key, part in value.items()
    }
    return value if all(found[key] is value[key] for key in found) else found


def _kept_of(mapping: Mapping[Any, Any]) -> frozenset[str]:
    """The fields that stay as they are. The name of a function does, that of a person is looked at."""
    is_function = mapping.get("role") in {"tool", "function"} or not DATA.isdisjoint(mapping)
    return STRUCTURE | OPAQUE | ({"name"} if is_function else set())

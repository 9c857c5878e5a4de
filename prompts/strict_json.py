"""JSON as everybody reads it alike: no name twice in an object, and nothing for a number that is none."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.utils.translation import gettext as _


def loads(text: str) -> Any:
    """The data that a text of JSON holds.

    Raises:
        ValueError: it is no JSON, or could be read in more than one way; a piece of a sentence says why.
        RecursionError: it is nested too deep.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError(_('"%(name)s" is there twice') % {"name": next(n for n in names if names.count(n) > 1)})
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("%(name)s is no number of JSON; write null") % {"name": name})

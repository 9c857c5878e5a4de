"""Variables for one prompt, as they are typed: `--var name=value`, `--vars file.json`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from aiops.management.terminal import refused
from prompts import strict_json
from prompts.errors import choices, did_you_mean
from prompts.models import PromptVersion

STDIN = "-"


def variables_for(version: PromptVersion, pairs: Sequence[str], file: str) -> dict[str, Any]:
    """What was given, pairs over what a file says.

    Args:
        version: what they are for. A file may hold more than it reads, as a whole record does; a pair may not.
        pairs: each `name=value`; the value is text.
        file: path of a JSON object; `-` for standard input; empty for none.

    Raises:
        CommandError: one of these makes no sense (exit code 2).
    """
    variables = _from_file(file) if file else {}
    known = version.variables | version.optional
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise refused(_("“%(pair)s” is no variable: write --var name=value.") % {"pair": pair})
        if name not in known:
            raise refused(
                _("%(version)s does not read the variable “%(name)s”.%(hint)s It reads: %(known)s.")
                % {"version": version, "name": name, "hint": did_you_mean(name, known), "known": choices(known)}
            )
        variables[name] = value
    return variables


def _from_file(file: str) -> dict[str, Any]:
    shown = _("standard input") if file == STDIN else file
    try:
        data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise refused(
            _("%(file)s cannot be read (%(why)s): name a file of JSON.") % {"file": shown, "why": error.strerror}
        ) from error
    try:
        found = strict_json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise refused(_("%(file)s is not in UTF-8: save it again as UTF-8.") % {"file": shown}) from error
    except (ValueError, RecursionError) as error:
        raise refused(
            _("%(file)s is no JSON that can be read (%(why)s): write {“name”: “value”, …}.")
            % {"file": shown, "why": error}
        ) from error
    if not isinstance(found, dict):
        raise refused(_("%(file)s holds no JSON object: write {“name”: “value”, …}.") % {"file": shown})
    return found

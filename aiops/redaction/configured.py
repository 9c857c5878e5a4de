"""Which detectors look at what goes over a connection: `AIOPS["REDACT"]`, or the connection's own `REDACT`."""

from __future__ import annotations

from functools import cache

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from aiops.gateway.connections import Connection
from aiops.options import options
from aiops.redaction.errors import InvalidDetector
from aiops.redaction.found import Detector


def detectors_of(connection: Connection) -> tuple[Detector, ...]:
    """The detectors of a connection, in the order of the setting; none where nothing is to be redacted.

    Raises:
        InvalidDetector: a path leads to nothing that could be called.
    """
    paths = options().redact if connection.redact is None else connection.redact
    return tuple(map(load_detector, paths))


@cache
def load_detector(path: str) -> Detector:
    """What a dotted path leads to.

    Raises:
        InvalidDetector: it cannot be imported, or is nothing that could be called.
    """
    try:
        found = import_string(path)
    except Exception as error:
        # Whatever a module of the shop does when it is imported.
        raise InvalidDetector(path, str(error).rstrip(".") or type(error).__name__) from error
    if not callable(found) or isinstance(found, type):
        raise InvalidDetector(
            path, _("it is of type %(type)s and no function of a text") % {"type": type(found).__name__}
        )
    detector: Detector = found
    return detector

"""Logs of the site: to standard error, and never with a key in them."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

_KEYS = re.compile(
    r"""
    (?P<before> \b(?: bearer | api[-_]?key ) ['"]? \s*[:=\s]\s* ['"]? )  [^\s'",;)}\]]+   # Bearer …, api-key: …
    | \b(?:sk|sess|rk) [-_] [A-Za-z0-9_-]{8,}                                          # sk-…
    | (?P<scheme> [a-z][a-z0-9+.-]*:// ) [^\s/@:]* : [^\s/@]+ (?=@)                         # user:password@
    """,
    re.IGNORECASE | re.VERBOSE,
)


class HideKeys(logging.Filter):
    """Replaces what looks like a key in a record, its arguments and its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, cleaned."""
        record.msg, record.args = hide_keys(record.getMessage()), None
        if record.exc_info:
            record.exc_text = hide_keys(logging.Formatter().formatException(record.exc_info))
        return True


def hide_keys(text: str) -> str:
    """The text with `[key]` in place of keys, tokens and passwords inside addresses."""
    return _KEYS.sub(lambda found: (found["before"] or found["scheme"] or "") + "[key]", text)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_keys": {"()": "project.logs.HideKeys"}},
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["hide_keys"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # At INFO these write a line a request; at DEBUG, headers and bodies.
        name: {"level": "WARNING"}
        for name in ("openai", "httpx2", "httpcore2", "asyncio")
    }
    # What the queue does is said by the queue; everybody else would report each ring of the bell.
    | {"django-q": {"level": "INFO" if "qcluster" in sys.argv else "WARNING"}},
}

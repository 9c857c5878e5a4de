"""Connections that have just failed, and are left alone for a while by calls that have somebody else to ask.

Kept by each process for itself: it has seen the failure, and forgets it with the next success.
"""

from __future__ import annotations

import threading
import time

from django.core.signals import setting_changed

from aiops.execution.fallbacks import REASONS

FAILURES = 3
"""Calls in a row that must fail before a connection is left alone."""

SECONDS = 30.0
"""How long; then one call more finds out."""

_lock = threading.Lock()
_failures: dict[str, int] = {}
_until: dict[str, float] = {}


def note(alias: str, kind: str) -> None:
    """A call over a connection ended.

    Args:
        kind: of its error; empty where it was answered.
    """
    with _lock:
        if kind not in REASONS["transport"]:
            _failures.pop(alias, None)
            _until.pop(alias, None)
            return
        _failures[alias] = _failures.get(alias, 0) + 1
        if _failures[alias] >= FAILURES:
            _until[alias] = time.monotonic() + SECONDS


def is_cooling(alias: str) -> bool:
    """Whether a connection is to be left alone just now."""
    return _until.get(alias, 0.0) > time.monotonic()


def forget() -> None:
    """Take every connection for a good one again."""
    with _lock:
        _failures.clear()
        _until.clear()


def _forget(*, setting: str, **_: object) -> None:
    # An alias may mean another server from now on.
    if setting == "AIOPS":
        forget()


setting_changed.connect(_forget, dispatch_uid="aiops.execution.cooldown")

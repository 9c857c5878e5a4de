"""The key that signs sessions and queue messages."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def secret_key(given: str, *, development: bool, var_dir: Path) -> str:
    """The key from the environment; in development one that is made at first use and kept in `var_dir`.

    Raises:
        ImproperlyConfigured: a site that is not in development has no key.
    """
    if given:
        return given
    if not development:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: set it in the environment, or set DEBUG=1 on your own machine."
        )
    path = var_dir / "secret-key"
    if not path.exists():
        _make(path)
    return path.read_text().strip()


def _make(path: Path) -> None:
    """Make the file, whole or not at all: of two processes that start together both read the same key."""
    fresh = path.with_name(f"{path.name}-{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(get_random_secret_key())
    try:
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()

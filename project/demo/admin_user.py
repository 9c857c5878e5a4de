"""Somebody who can log in after the demo."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.contrib.auth import get_user_model

NAME = "admin"


def first_admin(directory: Path) -> str | None:
    """Make the user `admin` unless there is a superuser. Returns its password where this made it, now or before.

    The password is kept in a file beside the database, readable by its owner only.
    """
    users = get_user_model().objects
    file = directory / "admin-password"
    if not users.filter(is_superuser=True).exists():
        password = secrets.token_urlsafe(9)
        file.touch(mode=0o600)
        file.write_text(password, encoding="utf-8")
        users.create_superuser(username=NAME, password=password)
    return file.read_text(encoding="utf-8") if file.exists() else None

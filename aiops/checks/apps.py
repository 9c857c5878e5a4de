"""What must be installed beside aiops, and who may import and export."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

NEEDED = {
    "prompts": "it holds what is asked",
    "import_export": "it reads and writes the rows",
    "django_q": "it wakes the workers",
}


def check_apps(**_: Any) -> list[CheckMessage]:
    """E007: an app that aiops cannot do without."""
    return [
        Error(f"aiops needs the app '{name}': {why}.", hint=f"Add '{name}' to INSTALLED_APPS.", id="aiops.E007")
        for name, why in NEEDED.items()
        if not apps.is_installed(name)
    ]


def check_import_export(**_: Any) -> list[CheckMessage]:
    """W005: django-import-export lets every member of staff import and export unless told otherwise."""
    return [
        Warning(
            f"{name} is not set: every member of staff who sees a list may {word} it.",
            hint=f'Set {name} = "{code}", or a permission of your own.',
            id="aiops.W005",
        )
        for name, word, code in (
            ("IMPORT_EXPORT_IMPORT_PERMISSION_CODE", "import into", "change"),
            ("IMPORT_EXPORT_EXPORT_PERMISSION_CODE", "export", "view"),
        )
        if not getattr(settings, name, None)
    ]

"""Whether what is told of jobs can be signed, and ends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from aiops.jobs.telling import KEY_VARIABLE
from aiops.options import InvalidOption, options

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def check_notices(**_: Any) -> list[CheckMessage]:
    """W017: a webhook without a key."""
    try:
        address = options().job_webhook
    except InvalidOption:
        return []  # E001 says so.
    if not address or os.environ.get(KEY_VARIABLE, "").strip():
        return []
    return [
        Warning(
            "AIOPS['JOB_WEBHOOK'] has no key: nothing is posted without a signature.",
            hint=f"Set {KEY_VARIABLE} in the environment of the workers, and give it to whoever is posted to.",
            id="aiops.W017",
        )
    ]


def check_mail(**_: Any) -> list[CheckMessage]:
    """W019: a mail server that says nothing keeps whoever writes to it."""
    mailer: Mapping[str, Any] = getattr(settings, "MAILERS", {}).get("default", {})
    backend = mailer.get("BACKEND") or getattr(settings, "EMAIL_BACKEND", "")
    timeout = mailer.get("OPTIONS", {}).get("timeout") if mailer else getattr(settings, "EMAIL_TIMEOUT", None)
    if backend != SMTP or timeout is not None:
        return []
    return [
        Warning(
            "Mail has no timeout: a mail server that does not answer keeps the workers that tell of jobs.",
            hint='Set "timeout": 10 in the OPTIONS of MAILERS["default"]; before Django 6.1, EMAIL_TIMEOUT = 10.',
            id="aiops.W019",
        )
    ]

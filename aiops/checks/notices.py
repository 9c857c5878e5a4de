"""Whether what is posted of jobs can be signed."""

from __future__ import annotations

import os
from typing import Any

from django.core.checks import CheckMessage, Warning

from aiops.jobs.telling import KEY_VARIABLE
from aiops.options import InvalidOption, options


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

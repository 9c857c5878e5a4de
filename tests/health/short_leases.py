"""The site with leases of seconds, for workers of tests: what is left behind is taken over while somebody waits."""

import os

from project.settings import *  # noqa: F403
from project.settings import AIOPS as SITE_AIOPS
from project.settings import DATABASES

SHORT = {"SLICE_SECONDS": 2, "AT_WORK_SECONDS": 3, "LEASE_MARGIN_SECONDS": 2, "UNHEARD_SECONDS": 5}
DEADLINE = 5
MAX_IN_FLIGHT = 4
IDLE = "-c idle_in_transaction_session_timeout=2s"


def aiops(given, base_url, key):
    """The setting, with these leases."""
    default = {
        "BASE_URL": base_url,
        "API_KEY": key,
        "MODEL": "gpt-6-luna",
        "PROVIDER": "openai",
        "DEADLINE": DEADLINE,
        "MAX_IN_FLIGHT": MAX_IN_FLIGHT,
    }
    return {**given, **SHORT, "CONNECTIONS": {"default": default}}


AIOPS = aiops(SITE_AIOPS, os.environ.get("OPENAI_BASE_URL", ""), os.environ.get("OPENAI_API_KEY", ""))
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Of this site alone: what is imported from the shop's settings is one and the same for all.
    default = DATABASES["default"]
    DATABASES = {**DATABASES, "default": {**default, "OPTIONS": {**default["OPTIONS"], "options": IDLE}}}

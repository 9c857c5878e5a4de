"""The site of the chaos: leases of seconds, so that what the dead leave behind is taken over while somebody waits."""

import os

from project.settings import *  # noqa: F403
from project.settings import AIOPS as SITE_AIOPS
from project.settings import DATABASES, Q_CLUSTER

MAX_IN_FLIGHT = 6

AIOPS = {
    **SITE_AIOPS,
    "SLICE_SECONDS": 2,
    # Workers read on in each job, two chunks.
    "PLANNED_AT_ONCE": 10,
    "AT_WORK_SECONDS": 2,
    "LEASE_MARGIN_SECONDS": 1,
    "UNHEARD_SECONDS": 2,
    "REDIS_URL": None,
    "CONNECTIONS": {
        "default": {
            "BASE_URL": os.environ.get("OPENAI_BASE_URL", ""),
            "API_KEY": os.environ.get("OPENAI_API_KEY", ""),
            "MODEL": "gpt-6-luna",
            "PROVIDER": "openai",
            "DEADLINE": 3,
            "MAX_IN_FLIGHT": MAX_IN_FLIGHT,
        }
    },
}
Q_CLUSTER = {**Q_CLUSTER, "workers": 2, "poll": 0.2}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Whoever stands still in a transaction is cut off while somebody waits. Of this site alone: what is imported from
    # the shop's settings is one and the same for all.
    OPTIONS = {"options": "-c idle_in_transaction_session_timeout=2s"}
    DATABASES = {**DATABASES, "default": {**DATABASES["default"], "OPTIONS": OPTIONS}}

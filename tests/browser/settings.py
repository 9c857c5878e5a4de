"""Settings of the site that the browser visits: the shop's own, with a provider on this machine."""

import os

from project.settings import *  # noqa: F403
from project.settings import AIOPS as SITE_AIOPS

# Signing in is no matter of strength here, and many do.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

PROVIDER = {
    "NAME": "the stand-in of the test",
    "BASE_URL": os.environ["STAND_IN_URL"],
    "API_KEY": "stand-in",
    "MODEL": "gpt-6-luna",
    "PROVIDER": "openai",
}
AIOPS = SITE_AIOPS | {
    "CONNECTIONS": {
        # Few at a time, so that there is a middle to look at and to stop in.
        "default": PROVIDER | {"MAX_IN_FLIGHT": 4},
        "quick": PROVIDER | {"MAX_IN_FLIGHT": 32},
    }
}

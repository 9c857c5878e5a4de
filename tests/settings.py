"""Settings of the test site: the shop's, apart from what a test must not touch."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Before the import: a developer's own .env, keys and databases are none of a test's business.
TEST_DIR = Path(tempfile.mkdtemp(prefix="aiops-tests-"))


@atexit.register
def remove_test_dir(owner: int = os.getpid()) -> None:
    # A forked child that ends must not take the files from its parent.
    if os.getpid() == owner:
        shutil.rmtree(TEST_DIR, ignore_errors=True)


os.environ.update(
    ENV_FILE=str(TEST_DIR / "no.env"),
    VAR_DIR=str(TEST_DIR / "var"),
    DEBUG="0",
    HTTPS="0",
    SECRET_KEY="of-the-test-site-only-" + "0123456789" * 4,
)
for name in list(os.environ):
    if name.startswith(("OPENAI_", "AZURE_OPENAI_")):
        del os.environ[name]

from project.settings import *  # noqa: E402, F403
from project.settings import AIOPS as SITE_AIOPS  # noqa: E402
from project.settings import DATABASES, LOCAL_CONNECTION  # noqa: E402

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "tests"}}

# A file, not memory: threads and other processes must see the same rows. Own names: several suites may run at once.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["TEST"] = {"NAME": f"test_aiops_{os.getpid()}"}
    # A test is one transaction from its beginning to its end, and stands still in it while a slow model is asked.
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"]["OPTIONS"],
        "options": "-c idle_in_transaction_session_timeout=30min",
    }

# A port where nobody listens: a test that forgot its provider fails instead of asking a real one.
AIOPS = SITE_AIOPS | {
    "REDIS_URL": None,
    "CONNECTIONS": {
        "default": {
            "BASE_URL": "http://127.0.0.1:9/v1",
            "API_KEY": "not-a-key",
            "MODEL": "gpt-6-luna",
            "PROVIDER": "openai",
        },
        # Nor is a model asked that happens to run on this machine.
        "local": {**LOCAL_CONNECTION, "BASE_URL": "http://127.0.0.1:9/v1"},
    },
}

"""Settings of the site: one file; what differs between machines comes from the environment (see `.env.example`)."""

from __future__ import annotations

from pathlib import Path

import django
from environs import Env

from project.logs import LOGGING as LOGGING
from project.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(env.path("ENV_FILE", BASE_DIR / ".env"), recurse=False)

VAR_DIR: Path = env.path("VAR_DIR", BASE_DIR / "var")
VAR_DIR.mkdir(parents=True, exist_ok=True)

# --- Safety: what nobody has set is what a server on the internet needs.
DEBUG: bool = env.bool("DEBUG", False)
HTTPS: bool = env.bool("HTTPS", not DEBUG)
SECRET_KEY: str = secret_key(env.str("SECRET_KEY", ""), development=DEBUG, var_dir=VAR_DIR)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS: int = env.int("HSTS_SECONDS", 3600 if HTTPS else 0)
# These two bind other hosts of the domain, and browsers remember: only who knows the domain may switch them on.
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env.bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD: bool = env.bool("HSTS_PRELOAD", False)
if env.bool("BEHIND_PROXY", False):
    # Only behind a proxy that sets this header itself: anybody else could claim HTTPS.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# Answers of a model end up on pages: nothing of them may run, and nothing may be fetched from elsewhere.
SECURE_CSP: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "import_export",
    "django_q",
    "prompts",
    "aiops",
    "project.helpdesk",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "project.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Data. ATOMIC_REQUESTS stays off: the record of a call must be committed before the call leaves.
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
# A connection a query costs a worker nine tenths of its speed.
DATABASES["default"]["CONN_MAX_AGE"] = 600
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # Without it, a transaction that reads first and writes later fails with "database is locked".
        "transaction_mode": "IMMEDIATE",
        # FULL, not NORMAL: a request may not leave before its record and its hold would outlive a power cut. Workers
        # commit in windows, a few times a second, so that the sync costs little.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A machine that is cut off says no goodbye: neither side may wait for it for ever, least of all the server with its
    # locks held. What the address itself says goes before.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "options": "-c idle_in_transaction_session_timeout=60s -c tcp_keepalives_idle=30",
        **DATABASES["default"].get("OPTIONS", {}),
    }

REDIS_URL: str = env.str("REDIS_URL", "")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "site"}
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE: str = env.str("TIME_ZONE", "UTC")
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "media/"
MEDIA_ROOT = VAR_DIR / "media"

# Open to every member of staff unless these say otherwise.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"

# --- Mail: printed on one's own machine. Without a timeout a server that says nothing would keep a worker for ever.
MAIL_TIMEOUT = 10
_smtp = {"host": env.str("MAIL_HOST", "localhost"), "port": env.int("MAIL_PORT", 25), "timeout": MAIL_TIMEOUT}
_mail = {
    "BACKEND": f"django.core.mail.backends.{'console' if DEBUG else 'smtp'}.EmailBackend",
    "OPTIONS": {} if DEBUG else _smtp,
}
if django.VERSION >= (6, 1):
    MAILERS = {"default": _mail}
else:
    EMAIL_BACKEND = _mail["BACKEND"]
    EMAIL_HOST: str = env.str("MAIL_HOST", "localhost")
    EMAIL_PORT: int = env.int("MAIL_PORT", 25)
    EMAIL_TIMEOUT = MAIL_TIMEOUT
DEFAULT_FROM_EMAIL: str = env.str("MAIL_FROM", "webmaster@localhost")

# --- The AI back office.
LOCAL_CONNECTION = {
    "NAME": "this machine",
    "BASE_URL": f"http://127.0.0.1:{env.int('LOCAL_MODEL_PORT', 8077)}/v1",
    "API_KEY": None,
    "MODEL": env.str("LOCAL_MODEL", "smollm2-135m-instruct"),
    "FREE": True,
    # The server takes no more at a time.
    "MAX_IN_FLIGHT": 2,
    "OUTPUT_LIMIT_PARAMETER": "max_tokens",
    "TOKENIZER": "server",
}
AIOPS = {
    # `default` is made from OPENAI_… or AZURE_OPENAI_… in the environment.
    "CONNECTIONS": {"local": LOCAL_CONNECTION},
    # Seconds that a worker works before it rings for the next: short enough that a deploy waits for nobody.
    "SLICE_SECONDS": 60,
    "IN_TRANSACTION": "refuse",
    # Who is told of a budget that is nearly spent.
    "BUDGET_MAIL": env.list("BUDGET_MAIL", []),
    "BUDGET_WEBHOOK": env.str("BUDGET_WEBHOOK", "") or None,
    # What is told of a job that is done is posted there, too, signed with JOB_WEBHOOK_KEY.
    "JOB_WEBHOOK": env.str("JOB_WEBHOOK", "") or None,
    # Counts requests and tokens a minute, where it is there; the database does otherwise.
    "REDIS_URL": REDIS_URL or None,
}
if DEBUG and not any(env.str(name, "") for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")):
    # A newcomer without a key works with the model on this machine. A server on the internet must say where calls go.
    AIOPS["CONNECTIONS"] = {"default": LOCAL_CONNECTION, "local": LOCAL_CONNECTION}

# --- The queue: only a doorbell, the database says what is to be done.
Q_CLUSTER = {
    "name": "aiops",
    "label": "Queue",
    "orm": "default",
    "workers": env.int("QUEUE_WORKERS", 2),
    # Longer than a slice and the deadline of the last call begun in it.
    "timeout": 240,
    # More than twice the timeout: a task that is still at work must not be given out again.
    "retry": 600,
    # The lock starts when the message leaves the broker, not when work starts: a longer local queue means double work.
    "queue_limit": 1,
    "bulk": 1,
    # A task that failed is not given out again: the rows say what is left, and count their own attempts.
    "ack_failures": True,
    "max_attempts": 1,
    # Any limit above zero reads every row of the past at each save.
    "save_limit": 0,
    "catch_up": False,
    "poll": 0.5,
    "recycle": 200,
}

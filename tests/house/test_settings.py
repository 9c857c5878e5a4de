"""The site is safe by default, and its keys stay where they are."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.logs import HideKeys, hide_keys
from project.secret_key import secret_key

ROOT = Path(__file__).parent.parent.parent
SERVER = {
    "SECRET_KEY": "of-a-server-" + "0123456789abcdefghij" * 3,
    "ALLOWED_HOSTS": "shop.example.com",
    "HSTS_SECONDS": "31536000",
    "HSTS_INCLUDE_SUBDOMAINS": "1",
    "HSTS_PRELOAD": "1",
    "OPENAI_API_KEY": "sk-canary-0123456789",
}


def python(*arguments, tmp_path, **environ):
    base = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path / "var"), "ENV_FILE": str(tmp_path / ".env")}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=ROOT, env=base | environ, capture_output=True, text=True
    )


def test_a_server_without_a_secret_key_does_not_start(tmp_path):
    done = python("manage.py", "check", tmp_path=tmp_path)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith(
        "SECRET_KEY is not set: set it in the environment, or set DEBUG=1 on your own machine."
    )


def test_a_server_passes_the_deployment_checks(tmp_path):
    done = python("manage.py", "check", "--deploy", "--tag", "security", "--tag", "aiops", tmp_path=tmp_path, **SERVER)
    warnings = set(re.findall(r"\((\S+\.[EW]\d+)\)", done.stderr))
    assert done.returncode == 0
    assert warnings <= {"aiops.W001"}, done.stderr


def test_a_server_without_a_key_for_its_models_says_so(tmp_path):
    keyless = SERVER | {"OPENAI_API_KEY": ""}
    done = python("manage.py", "check", "--deploy", tmp_path=tmp_path, **keyless)
    assert done.returncode == 1
    assert "(aiops.E003) The connection 'default' has no key." in done.stderr
    # What calls nobody needs no key.
    done = python("manage.py", "makemigrations", "--check", "--dry-run", tmp_path=tmp_path, **keyless)
    assert done.returncode == 0
    assert "(aiops.W010) The connection 'default' has no key" in done.stderr


def test_a_newcomer_needs_neither_a_key_nor_a_secret(tmp_path):
    done = python("manage.py", "check", tmp_path=tmp_path, DEBUG="1")
    assert done.returncode == 0, done.stderr
    code = "from project import settings as s; print(s.AIOPS['CONNECTIONS']['default']['NAME'], s.DEBUG)"
    assert python("-c", code, tmp_path=tmp_path, DEBUG="1").stdout == "this machine True\n"


def test_what_the_environment_file_says_is_read_and_the_environment_wins(tmp_path):
    (tmp_path / ".env").write_text("DEBUG=1\nTIME_ZONE=Europe/Berlin\nQUEUE_WORKERS=7\n")
    code = "from project import settings as s; print(s.DEBUG, s.TIME_ZONE, s.Q_CLUSTER['workers'])"
    assert python("-c", code, tmp_path=tmp_path, QUEUE_WORKERS="3").stdout == "True Europe/Berlin 3\n"


def test_addresses_alone_choose_postgresql_and_redis(tmp_path):
    code = (
        "from project import settings as s; d = s.DATABASES['default'];"
        "print(d['ENGINE'], d['NAME'], d['CONN_MAX_AGE'], d['CONN_HEALTH_CHECKS'], s.CACHES['default']['BACKEND'])"
    )
    done = python(
        "-c",
        code,
        tmp_path=tmp_path,
        DEBUG="1",
        DATABASE_URL="postgres://shop:pw@db.example.com/shop",
        REDIS_URL="redis://127.0.0.1/0",
    )
    assert done.stdout == "django.db.backends.postgresql shop 600 True django.core.cache.backends.redis.RedisCache\n"


def test_every_variable_that_is_read_is_in_the_example():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "project/settings.py").read_text()))
    read |= set(re.findall(r'environ\.get\("([A-Z_]+)"', (ROOT / "aiops/gateway/connection_options.py").read_text()))
    told = set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text()))
    assert read - told == {"ENV_FILE"}


def test_the_secret_of_a_machine_is_made_once_and_is_its_owners_alone(tmp_path):
    first = secret_key("", development=True, var_dir=tmp_path)
    assert len(first) >= 50
    assert secret_key("", development=True, var_dir=tmp_path) == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600
    assert secret_key("given", development=True, var_dir=tmp_path) == "given"
    with pytest.raises(ImproperlyConfigured):
        secret_key("", development=False, var_dir=tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [key]"),
        ("{'api-key': 'abcdef', 'a': 1}", "{'api-key': '[key]', 'a': 1}"),
        ("api_key=abcdef, model=m", "api_key=[key], model=m"),
        ("Incorrect key: sk-proj-abcdefgh12345678.", "Incorrect key: [key]."),
        ("postgres://shop:hunter2@db/shop", "postgres://[key]@db/shop"),
        ("asked the risk-assessment-desk about a task", "asked the risk-assessment-desk about a task"),
        ("https://shop.example.com:8000/a@b", "https://shop.example.com:8000/a@b"),
    ],
)
def test_keys_are_hidden_in_logs(text, shown):
    assert hide_keys(text) == shown


def test_keys_are_hidden_in_arguments_and_tracebacks():
    try:
        raise ValueError("Bearer abcdefgh")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "with %s", ("sk-abcdefgh1234",), sys.exc_info())
    assert HideKeys().filter(record)
    line = logging.Formatter().format(record)
    assert "abcdefgh" not in line
    assert line.startswith("with [key]\n")


@pytest.mark.django_db
def test_every_page_forbids_what_is_not_ours(admin_client):
    for address in ("/admin/", "/admin/login/", "/nowhere/"):
        policy = admin_client.get(address).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy

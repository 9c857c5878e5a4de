"""What is shipped: a wheel, installed into a bare site made by `startproject`, serves every page of the admin."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.house import quickstart

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow

APPS, SETTINGS = quickstart.APPS_AND_SETTINGS.split("\n\n", 1)
APPS += "\n"
SETTINGS += quickstart.SQLITE + 'ALLOWED_HOSTS = ["testserver"]\n'
CUSTOM_USER = """
INSTALLED_APPS += ["people"]
AUTH_USER_MODEL = "people.Person"
"""
PERSON = """
import uuid
from django.contrib.auth.models import AbstractUser
from django.db import models

class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    username = None
    email = models.EmailField(unique=True)
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
"""
ROWS = """
from io import BytesIO
from aiops.execution.answer import answer
from aiops.gateway.testing import StandIn
from aiops.jobs.sources import FileSource
from aiops.jobs.start import start_job
from django.contrib.auth import get_user_model
from django.test import override_settings
from prompts.models import Prompt

User = get_user_model()
owner = User(is_superuser=True, is_staff=True, email="owner@example.com")
owner.set_password("a password")
if User.USERNAME_FIELD == "username":
    owner.username = "owner"
owner.save()
prompt = Prompt.objects.create(name="triage", title="Triage")
version = prompt.add_version(messages=[{"role": "user", "content": "{{ text }}"}], by=owner)
version.set_label("production")
with StandIn() as provider:
    connection = {"BASE_URL": provider.base_url, "API_KEY": "stand-in", "MODEL": "gpt-6-luna"}
    with override_settings(AIOPS={"CONNECTIONS": {"default": connection}}):
        outcome = answer(version, {"text": "hello"}, user=owner)
        start_job(version, FileSource(BytesIO(b"text\\nhello\\n"), name="rows.csv"), user=owner)
"""


def run(*command, cwd, **environ):
    # Nothing of the tree's own environment: neither its settings nor its path.
    base = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=base | environ, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=ROOT)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A Python with the wheel in it; what it depends on is lent by the one that runs this, for want of a network."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin/python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", code, cwd=folder).stdout.strip())
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", packages, wheel, cwd=folder)
    return python


def site(folder, python, *, custom_user):
    run(python, "-m", "django", "startproject", "shop", folder, cwd=folder)
    settings, urls = folder / "shop/settings.py", folder / "shop/urls.py"
    with settings.open("a") as file:
        file.write(APPS)
        if custom_user:
            (folder / "people/migrations").mkdir(parents=True)
            (folder / "people/__init__.py").touch()
            (folder / "people/migrations/__init__.py").touch()
            (folder / "people/models.py").write_text(PERSON)
            file.write(CUSTOM_USER)
    urls.write_text(quickstart.URLS)
    return settings


def source_files():
    return {
        str(path.relative_to(ROOT))
        for app in ("prompts", "aiops")
        for path in (ROOT / app).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_two_apps_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == source_files()
    assert {"prompts/py.typed", "aiops/py.typed", "aiops/migrations/0001_initial.py"} <= names
    assert any(name.startswith("aiops/templates/") for name in names)
    assert any(name.startswith("aiops/static/") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("custom_user", [False, True], ids=["auth.User", "custom user"])
def test_a_bare_site_serves_every_page_of_the_admin(installed, tmp_path, custom_user):
    settings = site(tmp_path, installed, custom_user=custom_user)

    def manage(*arguments):
        return run(installed, "-W", "error", "manage.py", *arguments, cwd=tmp_path, OPENAI_API_KEY="not-a-key")

    # The checks name what is missing, one by one, and all of it.
    first = subprocess.run([installed, "manage.py", "check"], cwd=tmp_path, capture_output=True, text=True, env={})
    assert first.returncode == 1
    for number in ("E006", "W002", "W005", "W006", "W007", "W010"):
        assert f"(aiops.{number})" in first.stderr
    with settings.open("a") as file:
        file.write(SETTINGS)
    told = manage("check").stderr
    assert [line for line in told.splitlines() if "aiops." in line and "W001" not in line] == []

    if custom_user:
        manage("makemigrations", "people")
    assert "No changes detected" in manage("makemigrations", "--check", "--dry-run").stdout
    manage("migrate", "--verbosity", "0")

    (tmp_path / "walk.py").write_bytes((ROOT / "tests/house/walk.py").read_bytes())
    manage("shell", "-c", ROWS)
    where = manage("shell", "-c", "import aiops, prompts; print(aiops.__file__, prompts.__file__)").stdout
    assert str(installed.parent.parent) in where
    assert str(ROOT / "aiops") not in where
    seen = json.loads(manage("shell", "-c", "import walk; walk.print_walk()").stdout.splitlines()[-1])
    assert {address: status for address, status in seen.items() if status != 200} == {}
    for page in ("/admin/", "/admin/prompts/prompt/", "/admin/prompts/outputschema/add/", "/admin/aiops/call/"):
        assert page in seen
    for model in ("prompts/prompt", "prompts/promptversion", "aiops/call", "aiops/job", "aiops/item", "django_q/ormq"):
        assert any(re.fullmatch(rf"/admin/{model}/[^/]+/change/", address) for address in seen), model

"""The quickstart, done to the letter: a new site, its blocks, its commands, a real worker."""

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aiops.gateway.testing import StandIn
from tests.house import quickstart

ROOT = Path(__file__).parent.parent.parent
MODELS = """
from django.db import models

class Product(models.Model):
    name = models.CharField(max_length=100)
    description = models.TextField()
"""
# What the page cannot know: the app is the reader's own, and in a test a key leads to no provider.
OWN = """
import os
INSTALLED_APPS += ["products"]
if "STAND_IN" in os.environ:
    AIOPS["CONNECTIONS"]["default"] |= {"BASE_URL": os.environ["STAND_IN"], "API_KEY": "stand-in"}
"""
ROWS = """
from products.models import Product
from prompts.models import Prompt
Product.objects.bulk_create(Product(name=f"Helmet {n}", description="Light.") for n in range(3))
prompt = Prompt.objects.create(name="sell", title="Sell")
prompt.add_version(messages=[{"role": "user", "content": MESSAGE}]).set_label("production")
"""
PAGES = """
from django.contrib.auth import get_user_model
from django.test import Client
owner = get_user_model().objects.create_superuser("owner", password="a password")
client = Client(headers={"host": "localhost"})
client.force_login(owner)
page = client.get("/admin/products/product/").content.decode()
assert "Run a prompt on selected products…" in page, page
"""


def assigned(text, name):
    """What a block of Python gives to a name."""
    [value] = [
        node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name
    ]
    return ast.literal_eval(value)


def test_the_queue_is_told_alike_everywhere():
    settings = (ROOT / "docs/reference/settings.md").read_text()
    [shown] = re.findall(r"```python\n(Q_CLUSTER = .*?)```", settings, re.DOTALL)
    assert assigned(quickstart.APPS_AND_SETTINGS, "Q_CLUSTER") == assigned(shown, "Q_CLUSTER")


@pytest.mark.slow
def test_the_quickstart_leads_to_a_finished_job(tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "not-a-key",
    }

    def run(*command):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    run("-m", "django", "startproject", "shop", str(tmp_path))
    run("manage.py", "startapp", "products")
    (tmp_path / "products/models.py").write_text(MODELS)
    for name, texts in quickstart.blocks().items():
        kept = (tmp_path / name).read_text() if name == "shop/settings.py" else ""
        (tmp_path / name).write_text("\n".join([kept, *texts]))
    with (tmp_path / "shop/settings.py").open("a") as file:
        file.write(OWN)

    told = run("manage.py", "check").stderr
    assert [line for line in told.splitlines() if "aiops." in line and "W001" not in line] == []
    run("manage.py", "makemigrations", "products")
    run("manage.py", "migrate", "--verbosity", "0")
    assert "AI runner: made" in run("manage.py", "create_groups").stdout
    [message] = re.findall(r"```jinja\n\s+(.*)\n", quickstart.PAGE.read_text())
    run("manage.py", "shell", "-c", f"MESSAGE = {message!r}\n{ROWS}")
    run("manage.py", "shell", "-c", PAGES)

    with StandIn() as provider:
        environment["STAND_IN"] = provider.base_url
        worker = subprocess.Popen([sys.executable, "manage.py", "work"], cwd=tmp_path, env=environment)
        try:
            for line in re.findall(r"\$ python (manage.py run_job .*)", quickstart.PAGE.read_text()):
                out = run(*line.split())
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(30)
        assert provider.totals.requests == 3
        assert "sells Helmet " in provider.requests[0].text
    assert "3 succeeded" in out.stdout

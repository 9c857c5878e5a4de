"""What the how-to shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aiops.redaction import detectors, load_detector
from aiops.redaction.detectors.secret import KEYS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/how-to/redact-personal-data.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SETTINGS, OWN, TRIED, PHONES, NAMES = BLOCKS


def run(folder, privacy, code):
    """Run `code` in a shop whose `privacy` module is that."""
    (folder / "shop").mkdir()
    (folder / "shop/__init__.py").touch()
    (folder / "shop/privacy.py").write_text(privacy)
    script = f"from django.conf import settings\nsettings.configure(USE_I18N=False)\n{code}\nprint('done')"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run([sys.executable, "-W", "error", "-c", script], env=environ, capture_output=True, text=True)


def test_the_shops_own_detector_does_what_is_shown(tmp_path):
    done = run(tmp_path, OWN, TRIED)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.parametrize(
    ("privacy", "code"),
    [
        pytest.param(
            PHONES,
            "from shop.privacy import phones\nassert list(phones('030 901820'))",
            marks=pytest.mark.phones,
        ),
        pytest.param(
            NAMES,
            "from shop.privacy import names\nassert names.model == 'de_core_news_sm'",
            marks=pytest.mark.presidio,
        ),
    ],
)
def test_detectors_that_need_an_extra_are_made_as_shown(tmp_path, privacy, code):
    done = run(tmp_path, privacy, code)
    assert done.stdout == "done\n", done.stderr


def test_every_path_that_is_shown_leads_to_a_detector():
    paths = re.findall(r'"(aiops\.redaction\.detectors\.\w+)"', SETTINGS)
    assert len(paths) == 4
    assert all(callable(load_detector(path)) for path in paths)


def test_every_detector_is_in_the_table():
    told = re.findall(r"(?m)^\| `(\w+)` \|", TEXT)
    assert sorted(told) == sorted(set(detectors.__all__) - {"Phones"})


def test_the_secrets_that_are_named_are_among_those_that_are_known():
    assert all(any(sign.startswith(named) for sign in KEYS) for named in ("sk-", "AKIA", "gh", "eyJ", "PRIVATE KEY"))

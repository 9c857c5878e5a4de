"""What the how-to for the stand-in shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import aiops.gateway.testing as face

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs" / "how-to" / "test-your-code.md").read_text()


def test_the_examples_pass(tmp_path):
    about_http = HOW_TO.partition("\n## Over HTTP\n")[2]
    conftest, tests = re.findall(r"```python\n(.*?)```", about_http, re.DOTALL)
    tmp_path.joinpath("conftest.py").write_text(conftest)
    tmp_path.joinpath("test_shown.py").write_text(tests)
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "-c",
            str(tmp_path / "pytest.ini"),
            str(tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
    )
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_every_kind_of_reply_is_in_the_how_to():
    kinds = [name for name in face.__all__ if isinstance(getattr(face, name), type)]
    told = [kind for kind in kinds if issubclass(getattr(face, kind), face.Reply) and kind != "Reply"]
    assert [kind for kind in told if f"`{kind}(" not in HOW_TO] == []

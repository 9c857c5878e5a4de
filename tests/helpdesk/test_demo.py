"""The demo's command, with the stand-in server instead of a model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_without_a_model_the_stand_in_server_answers_on_whichever_port_is_free(tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "OPENAI_"))},
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "ENV_FILE": os.devnull,
        "DEBUG": "1",
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'demo.sqlite3'}",
    }
    ran = subprocess.run(
        [sys.executable, "manage.py", "demo", "--stand-in", "--rows", "6"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Asking the stand-in server, whose answers fit the schema and mean nothing" in ran.stdout
    assert re.search(r"succeeded +6\n", ran.stdout)

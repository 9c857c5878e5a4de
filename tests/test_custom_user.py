"""A site with users of its own: the same migrations, pages and jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_migrations_pages_and_a_job_work_with_users_of_the_sites_own():
    walk = subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "tests/custom_user/walk.py", "--ds=tests.custom_user.settings"),
            *("-p", "no:cacheprovider", "--no-header", "-q", "--no-cov"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert walk.returncode == 0, walk.stdout + walk.stderr
    assert "3 passed" in walk.stdout

"""Many processes, room for a few: the wall holds at every moment, and everything adds up in the end."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.hammers import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_nothing_is_granted_beyond_any_cap_at_any_moment(database):
    options = ["--processes", "8", "--attempts", "2000", "--database", database]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.ledger", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    granted, refused = (
        int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:granted|refused)", ran.stdout)
    )
    assert granted > 100 and refused > 100, "there was room for all of them, or for none"
    assert "at most 0 nano-dollars beyond a cap" in ran.stdout
    assert "held in the end 0, open holds 0" in ran.stdout
    assert "counters and holds agree" in ran.stdout

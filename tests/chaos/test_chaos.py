"""A little of the chaos each time; `make chaos KILLS=1000` for the rest."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.chaos.harness import places
from tests.hammers import ROOT

pytestmark = pytest.mark.slow


def chaos(*options: str) -> subprocess.CompletedProcess[str]:
    """Run it on the database that is tested. It makes one of its own."""
    kind = "sqlite" if connection.vendor == "sqlite" else "postgres"
    command = [sys.executable, "-m", "tests.chaos", "--database", kind, *options]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)


def test_there_are_places_enough():
    assert len(places()) >= 30


@pytest.mark.each_database
def test_whoever_dies_nothing_is_lost_and_nothing_is_done_twice():
    ran = chaos("--kills", "25", "--seed", "3")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1].endswith(" · 0 promises broken")


@pytest.mark.parametrize(
    ("plant", "place", "found"),
    [
        ("lost", "write.collected", "calls are open"),
        ("late log", "window.opened", "times, and the log knows of"),
    ],
)
def test_a_fault_that_was_put_in_is_found(plant, place, found):
    ran = chaos("--kills", "2", "--at", place, "--plant", plant, "--patience", "20")
    assert ran.returncode == 1
    assert found in ran.stdout, ran.stdout + ran.stderr

"""How large files are, and what the locks hold."""

import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = [
    path
    for app in ("prompts", "aiops", "project")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def lines(path):
    return len(path.read_text().splitlines())


def test_files_stay_small():
    sizes = {path: size for path in SOURCES if (size := lines(path)) > 15}
    assert statistics.median(sizes.values()) <= 110
    assert {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > 300} == {}


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "helpers", "services", "common", "core"}
    assert [path for path in SOURCES if drawers & set(path.relative_to(ROOT).with_suffix("").parts)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_each_package_with_hashes_and_no_index(lock):
    text = lock.read_text()
    packages = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    pinned = r"[a-z0-9.-]+(\[[a-z0-9-]+\])?==\S+ (;.*?)?\\\n +--hash=sha256:[0-9a-f]{64}"
    assert packages
    for package in packages:
        assert re.match(pinned, package), package[:80]
    assert "://" not in text
    assert "index" not in re.sub(r"(?m)^\s*#.*|^[a-z].*", "", text)

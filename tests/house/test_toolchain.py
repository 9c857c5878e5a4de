"""The commands that set things up."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TARGETS = {"help", "setup", "demo", "serve", "test", "chaos", "check", "bench", "lock"}


def run(*command, path=None):
    environ = os.environ | ({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_what_there_is():
    listed = set(re.findall(r"(?m)^  make (\w+) +\S", run("make", "--no-print-directory")))
    assert listed == TARGETS


def test_pythons_are_run_before_they_are_believed_and_the_newest_comes_first(tmp_path):
    shim = tmp_path / "python3.14"
    shim.write_text("#!/bin/sh\necho 'version 3.14 is not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    found = [line.split(" ", 1) for line in run(".ci/pythons", path=tmp_path).splitlines()]
    versions = [tuple(int(part) for part in version.split(".")) for version, _ in found]
    assert versions == sorted(set(versions), reverse=True)
    assert all((3, 11) <= version <= (3, 14) for version in versions)
    assert sys.version_info[:2] in versions
    for version, python in found:
        assert str(shim) != python
        assert run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() == version

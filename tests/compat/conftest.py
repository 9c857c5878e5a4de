"""A shop whose code is looked through, and the command as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import load_command_class

from aiops.compat.finder import Report, find_openai_calls


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The folder of a shop, where one stands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def look(shop) -> Callable[..., Report]:
    """Write files, by path, and look through the shop."""

    def look(files: dict[str, str], **options: object) -> Report:
        for name, text in files.items():
            path = shop / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return find_openai_calls([Path()], **options)

    return look


@pytest.fixture
def run(capsys):
    """Run the command in this process: its exit code, what it printed, and what it complained of."""

    def run(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            load_command_class("aiops", "find_openai_calls").run_from_argv(
                ["manage.py", "find_openai_calls", *map(str, args)]
            )
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run

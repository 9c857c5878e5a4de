"""Processes of one site that do the same thing at the same time, each as fast as it can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class Hammers:
    """Processes that begin together; `.end()` gives what each has to say."""

    def __init__(self, count: int, module: str, *, database_url: str, **plan: Any) -> None:
        """
        Args:
            module: what each runs; it ends with `take_part`, and is given the plan with a `number` of its own.
        """
        self._stack = ExitStack()
        environ = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        self.processes = [
            self._stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", module, json.dumps({**plan, "number": number})],
                    cwd=ROOT,
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(count)
        ]
        for process in self.processes:
            assert process.stdout.readline() == "ready\n"
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()

    @property
    def are_at_it(self) -> bool:
        """Whether any has not come to its end."""
        return any(process.poll() is None for process in self.processes)

    def end(self) -> list[dict[str, Any]]:
        """Wait for all of them."""
        with self._stack:
            return [json.loads(process.stdout.readline() or "{}") for process in self.processes]


def take_part(do: Callable[[dict[str, Any]], Any], *, before: Callable[[dict[str, Any]], None] | None = None) -> None:
    """The whole of such a process: set Django up, wait for the others, do it, say what came of it.

    Args:
        before: changes settings.
    """
    plan = json.loads(sys.argv[1])
    import django
    from django.conf import settings

    if before is not None:
        before(plan)
    settings.LOGGING_CONFIG = None
    django.setup()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(do(plan)) + "\n")
    sys.stdout.flush()

"""A process that makes as many calls as it may, and says when each was let through. `Hammers` runs several at once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class Hammers:
    """Processes that begin together; `.end()` gives what each has to say."""

    def __init__(self, count: int, *, database_url: str, **plan: Any) -> None:
        self._stack = ExitStack()
        environ = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        self.processes = [
            self._stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.limits.hammer", json.dumps(plan)],
                    cwd=ROOT,
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(count)
        ]
        for process in self.processes:
            assert process.stdout.readline() == "ready\n"
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()

    def end(self) -> list[dict[str, Any]]:
        """Wait for all of them."""
        with self._stack:
            return [json.loads(process.stdout.readline() or "{}") for process in self.processes]


async def hammer(plan: dict[str, Any]) -> dict[str, Any]:
    """Make calls for `seconds`, by so many `callers` at a time, each `held` for as long."""
    from aiops.gateway.connections import get_connection
    from aiops.limits.errors import TooBusy
    from aiops.limits.take import JOB, PERSON, atake

    connection = get_connection()
    ends = time.monotonic() + plan["seconds"]
    granted: list[float] = []
    released: list[float] = []
    waits: list[tuple[float, float]] = []

    async def caller() -> None:
        while (left := ends - time.monotonic()) > 0:
            try:
                async with atake(
                    connection, plan["model"], tokens=plan.get("tokens", 0), priority=JOB, deadline=left
                ) as permit:
                    granted.append(time.time())
                    if "used" in plan:
                        permit.used(plan["used"])
                    if held := plan.get("held"):
                        await asyncio.sleep(held)
                    released.append(time.time())
            except TooBusy:
                return

    async def person() -> None:
        while ends - time.monotonic() > plan["person_every"]:
            await asyncio.sleep(plan["person_every"])
            async with atake(connection, plan["model"], tokens=plan.get("tokens", 0), priority=PERSON) as permit:
                granted.append(time.time())
                waits.append((granted[-1], permit.waited))
                if held := plan.get("held"):
                    await asyncio.sleep(held)
                released.append(time.time())

    people = [person()] if plan.get("person_every") else []
    await asyncio.gather(*(caller() for _ in range(plan["callers"])), *people)
    return {"granted": granted, "released": released, "waits": waits, "cpu": time.process_time()}


def main() -> None:
    plan = json.loads(sys.argv[1])
    import django
    from django.conf import settings

    settings.AIOPS["CONNECTIONS"]["default"] |= plan["options"]
    settings.AIOPS["REDIS_URL"] = plan.get("redis_url")
    settings.LOGGING_CONFIG = None
    django.setup()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(asyncio.run(hammer(plan))) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

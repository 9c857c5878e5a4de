"""A process that makes as many calls as it may, and says when each was let through."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.hammers import take_part


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


def set_up(plan: dict[str, Any]) -> None:
    from django.conf import settings

    settings.AIOPS["CONNECTIONS"]["default"] |= plan["options"]
    settings.AIOPS["REDIS_URL"] = plan.get("redis_url")


if __name__ == "__main__":
    take_part(lambda plan: asyncio.run(hammer(plan)), before=set_up)

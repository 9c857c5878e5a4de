"""A process that ends calls of all days, models, users and jobs, in windows, in any order, as fast as it can."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.hammers import take_part


def hammer(plan: dict[str, Any]) -> dict[str, Any]:
    """End so many `windows` of calls; now and then, add up what all of them came to."""
    from django.db import transaction
    from django.utils import timezone

    from aiops.calls.identity import first_id_at, new_call_id
    from aiops.calls.models import Call
    from aiops.calls.rebuild import rebuild
    from aiops.calls.recording import CallEnd, change_costs, close_calls, open_calls
    from aiops.durable import durable

    dice = random.Random(plan["number"])
    now = timezone.now()
    wrong = 0
    for window in range(plan["windows"]):
        ids = [
            UUID(int=first_id_at(now - timedelta(days=dice.randrange(4))).int | new_call_id().int % 2**60)
            for _ in range(dice.randrange(1, 8))
        ]
        with durable():
            open_calls(
                [
                    {
                        "id": call_id,
                        "connection": f"connection-{dice.randrange(3)}",
                        "model_asked": f"model-{dice.randrange(5)}",
                        "job_id": dice.randrange(4),
                        "started_at": now,
                        "messages": [],
                        "parameters": {},
                    }
                    for call_id in ids
                ]
            )
        dice.shuffle(ids)
        with durable():
            ends = {
                call_id: CallEnd(status=Call.Status.SUCCEEDED, ended_at=now, cost=dice.randrange(1000))
                for call_id in ids
            }
            close_calls(ends, settle=lambda: None)
        if window % 5 == 0:
            with durable():
                change_costs({call_id: (dice.randrange(1000), {}) for call_id in ids})
        if window % 10 == plan["number"]:
            wrong += len(rebuild(check=bool(window % 20)).wrong)
    with transaction.atomic():
        return {"wrong": wrong}


if __name__ == "__main__":
    take_part(hammer)

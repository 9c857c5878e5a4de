"""A process that holds and closes as fast as it can, and a watch over what all of them have done at each moment."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from typing import Any
from uuid import UUID

from tests.hammers import take_part


def hammer(plan: dict[str, Any]) -> dict[str, Any]:
    """Make so many `attempts`, each of up to `most` nano-dollars: held, then settled, released, or never known."""
    from django.utils import timezone

    from aiops.durable import durable
    from aiops.execution.trouble import patient
    from aiops.ledger.holds import Ending, Granted, Wanted, close, hold
    from aiops.ledger.scopes import ChargedTo

    chance = random.Random(f"{plan['seed']} {plan['number']}")
    tries = granted = 0

    @patient
    def held(wanted: Wanted) -> Granted:
        nonlocal tries
        tries += 1
        with durable():
            return hold([wanted], now=timezone.now())

    @patient
    def closed(ending: Ending) -> None:
        with durable():
            close([ending], now=timezone.now())

    for _ in range(plan["attempts"]):
        call_id = UUID(int=chance.getrandbits(128), version=4)
        to = ChargedTo(connection=chance.choice("ab"), user_id=chance.randrange(3))
        amount = chance.randrange(1, plan["most"])
        if not held(Wanted(call_id=call_id, attempt=1, amount=amount, to=to)).count:
            continue
        granted += 1
        # Under way.
        time.sleep(chance.random() / 50)
        # Most of it comes back, so that there is room for a few to the end.
        kind = chance.choices(["released", "settled", "unknown"], [950, 49, 1])[0]
        cost = chance.randrange(min(10, amount)) if kind == "settled" else None
        ending = Ending(call_id=call_id, attempt=1, cost=cost, released=kind == "released")
        # Some are told twice, as after a crash.
        for _again in range(chance.choice((1, 1, 2))):
            closed(ending)
    return {"granted": granted, "again": tries - plan["attempts"], "cpu": time.process_time()}


class Watch(threading.Thread):
    """Looks again and again, from outside, at what is committed: whether any period has granted more than its cap."""

    def __init__(self, database_url: str) -> None:
        super().__init__(daemon=True)
        self._url = database_url
        self._over = threading.Event()
        self.looks = 0
        self.most_beyond = -(10**18)
        """Nano-dollars: the most that settled and held together were ever beyond the cap; below zero where never."""

    def run(self) -> None:
        with closing(connect(self._url)) as connection:
            while not self._over.wait(0.002):
                cursor = connection.cursor()
                cursor.execute("SELECT max(settled + held - cap) FROM aiops_budgetperiod")
                self.looks += 1
                self.most_beyond = max(self.most_beyond, cursor.fetchone()[0] or -(10**18))

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()


def connect(url: str) -> Any:
    """A connection of its own to a database."""
    if url.startswith("sqlite:///"):
        import sqlite3

        return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, check_same_thread=False)
    import psycopg

    return psycopg.connect(url, autocommit=True)


if __name__ == "__main__":
    take_part(hammer)

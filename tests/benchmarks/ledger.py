"""Whether budgets hold while many processes spend from them at the same time, and how quick that is.

So many processes make so many attempts in all against nested budgets with room for a few; a watch looks at what is
committed, hundreds of times a second.

    python -m tests.benchmarks.ledger --processes 64 --attempts 100000 --database sqlite postgres
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from tests.benchmarks.databases import database
from tests.hammers import ROOT, Hammers
from tests.ledger.hammer import Watch, connect

MOST = 1000
"""Nano-dollars of one attempt."""

BUDGETS = (
    ("All", "everything", "", "month", 3),
    ("Each connection", "connection", "", "day", 2),
    ("Each user", "user", "", "week", 2),
    ("One user", "user", "1", "never", 1),
)
"""Name, scope, subject, renewal, and for how many of the dearest attempts there is room at once."""


def main() -> int:
    """Run it; 1 where anything is not as it was promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=64)
    parser.add_argument("--attempts", type=int, default=100_000, help="of all processes together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    wrong = 0
    for kind in options.database:
        with database(kind) as url:
            wrong += spend(kind, url, options)
    return min(wrong, 1)


def spend(kind: str, url: str, options: argparse.Namespace) -> int:
    connection = connect(url)
    cursor = connection.cursor()
    cursor.execute("DELETE FROM aiops_budget")
    for name, scope, subject, renewal, room in BUDGETS:
        # And for what is settled of them, which is next to nothing.
        cap = room * MOST + options.attempts // 3
        cursor.execute(
            "INSERT INTO aiops_budget (name, scope, subject, renewal, time_zone, cap, active) "
            f"VALUES ('{name}', '{scope}', '{subject}', '{renewal}', '', {cap}, {'1' if kind == 'sqlite' else 'true'})"
        )
    connection.commit()
    plan = {"attempts": options.attempts // options.processes, "most": MOST, "seed": options.seed}
    watch = Watch(url)
    watch.start()
    started = time.monotonic()
    said = Hammers(options.processes, "tests.ledger.hammer", database_url=url, **plan).end()
    seconds = time.monotonic() - started
    watch.end()
    attempts = plan["attempts"] * options.processes
    granted = sum(one["granted"] for one in said)
    cursor.execute("SELECT count(*) FROM aiops_hold WHERE state = 'held'")
    open_holds = cursor.fetchone()[0]
    cursor.execute("SELECT sum(held), count(*), sum(CASE WHEN settled > cap THEN 1 ELSE 0 END) FROM aiops_budgetperiod")
    held, periods, over = cursor.fetchone()
    connection.close()
    agree = subprocess.run(
        [sys.executable, "manage.py", "rebuild_budgets", "--check"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
    )
    cpu = sum(one["cpu"] for one in said)
    each = cpu / attempts * 1000
    say(f"{kind}: {attempts:,} attempts by {options.processes} processes in {seconds:.0f} s, {each:.2f} ms CPU each")
    say(f"  {granted:,} granted, {attempts - granted:,} refused, {sum(one['again'] for one in said):,} tried again")
    beyond = max(0, watch.most_beyond)
    say(f"  {watch.looks:,} looks at {periods} periods: at most {beyond:,} nano-dollars beyond a cap")
    say(f"  held in the end {held}, open holds {open_holds}; {agree.stdout.strip().splitlines()[-1]}")
    return int(watch.most_beyond > 0 or bool(held) or bool(open_holds) or bool(over) or bool(agree.returncode))


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""Chaos: processes die at the worst moment, and everything is looked at afterwards.

    python -m tests.chaos --kills 25 --seed 1 --database sqlite
    python -m tests.chaos --kills 1000 --seed 1 --database sqlite postgres --state chaos.json

Each so-and-so many kills have a fresh site of their own, and a seed that is told. With a file for the state, what was
begun goes on where it was left. The last line is a summary; the exit code is 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.databases import database
from tests.chaos.server import SERVER_VARIABLE, Server, postgres
from tests.hammers import ROOT

EACH = 25
"""Kills from one fresh site to its last look."""


def main() -> int:
    """Run it, each site in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=EACH, help="in all, on each database (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite"])
    parser.add_argument("--state", type=Path, help="where it is kept how far it has come")
    parser.add_argument("--plant", default="", help="a fault to be put in, which must be found")
    parser.add_argument(
        "--at", nargs="+", default=[], metavar="PLACE", help="only there, such as window.committed or database"
    )
    parser.add_argument("--patience", type=float, default=240, help="seconds for all to end (default: %(default)s)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one_site(options)
    state: Path | None = options.state
    done: list[dict[str, Any]] = json.loads(state.read_text()) if state and state.exists() else []
    for kind in options.database:
        while (so_far := sum(told["hits"] for told in done if told["database"] == kind)) < options.kills:
            seed = options.seed + len(done)
            told = {
                "database": kind,
                "seed": seed,
                **in_process(kind, seed, min(EACH, options.kills - so_far), options),
            }
            done.append(told)
            say(f"{kind}, seed {seed}: {sentence([told])}")
            for fault in told["faults"]:
                say(f"  {fault}")
            if state:
                state.write_text(json.dumps(done, indent=1))
    say(sentence(done))
    return int(any(told["faults"] for told in done))


def in_process(kind: str, seed: int, kills: int, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.chaos", "--one", str(kills), "--seed", str(seed)]
    command += ["--plant", options.plant] if options.plant else []
    command += ["--patience", str(options.patience), *(["--at", *options.at] if options.at else [])]
    with site_of(kind) as (url, server):
        environ = os.environ | {
            "DATABASE_URL": url,
            SERVER_VARIABLE: str(server.folder) if server else "",
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "ENV_FILE": os.devnull,
            "DEBUG": "1",
            "SECRET_KEY": "of-the-chaos-only-" + "0123456789" * 4,
            "OPENAI_API_KEY": "stand-in",
            "CHAOS_PLANT": options.plant,
        }
        ran = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    last = ran.stdout.strip().rpartition("\n")[2]
    if ran.returncode or not last.startswith("{"):
        return {"hits": kills, "faults": [f"the chaos itself ended with {ran.returncode}: {ran.stdout[-500:]}"]}
    told: dict[str, Any] = json.loads(last)
    return told


@contextmanager
def site_of(kind: str) -> Iterator[tuple[str, Server | None]]:
    """An empty database, and its server where it has one."""
    if kind == "postgres":
        with postgres() as found:
            yield found
    else:
        with database(kind) as url:
            yield url, None


def one_site(options: argparse.Namespace) -> int:
    from aiops.gateway.testing import StandIn

    with StandIn(latency=0.15, seed=options.seed) as provider, tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        os.environ |= {"OPENAI_BASE_URL": provider.base_url, "VAR_DIR": folder}
        import django

        django.setup()
        from tests.chaos.harness import Chaos
        from tests.chaos.plants import plant

        # It sweeps, too.
        plant(options.plant)
        chaos = Chaos(Path(folder), provider, seed=options.seed, at=options.at)
        told = chaos.run(options.one, patience=options.patience)
        if told.faults:
            sys.stderr.write((Path(folder) / "log").read_text()[-20_000:])
    found = {**vars(told), "hits": told.kills + told.stops}
    say(json.dumps(found))
    return 0


COUNTED = ("kills", "stops", "jobs", "rows", "sent", "twice", "too_late", "given_up")


def sentence(done: list[dict[str, Any]]) -> str:
    """All of it in one line."""
    sums: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for told in done:
        sums.update({name: told.get(name, 0) for name in COUNTED})
        sums["faults"] += len(told["faults"])
        kinds.update(told.get("by_kind", {}))
    places = sum(" at " in kind for kind in kinds)
    return (
        f"{sums['kills']} killed, {sums['stops']} stood still, at {places} places and {len(kinds) - places} ways from "
        f"outside · {sums['jobs']} jobs, {sums['rows']} rows, {sums['sent']} calls sent, {sums['twice']} of them twice "
        f"and {sums['given_up']} given up on purpose, {sums['too_late']} rows too late "
        f"· {sums['faults']} promises broken"
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

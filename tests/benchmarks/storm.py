"""Ten thousand faults through fifty callers: whether anybody hangs, anything is lost, wrong or kept for ever.

Half of the callers are threads, half are tasks of one event loop; they ask for text, JSON and streams, on both
interfaces, under a budget; every fifth goes away before its answer has come. The provider fails four sendings of five
in one of the ways of `aiops.gateway.testing.FAULTS`, or until the caller's patience is over.

    python -m tests.benchmarks.storm --faults 10000 --seed 1
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.storm.callers import Asked
    from tests.faults.storm.dealing import Dealer

PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1 << 20


def resident() -> int:
    """Bytes of memory that this process has, the provider's thread included, without what it could give back."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def site(url: str, directory: str) -> None:
    """Set Django up on a fresh database of its own, with a connection for each interface."""
    os.environ.update(VAR_DIR=directory, DEBUG="0", SECRET_KEY="b" * 50, ENV_FILE="/dev/null")
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command

    for api in ("chat", "responses"):
        settings.AIOPS["CONNECTIONS"][api] = {
            "BASE_URL": url,
            "API_KEY": "stand-in",
            "MODEL": "gpt-6-luna",
            "PROVIDER": "openai",
            "API": api,
        }
    settings.LOGGING_CONFIG = None
    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    from aiops.ledger.models import Budget

    Budget.objects.update(cap=10**15)


def main() -> int:
    """Run it; 1 where anything is not as it was promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=float, default=10.0, help="seconds that a caller waits for an answer")
    options = parser.parse_args()

    from aiops.gateway.testing import StandIn
    from tests.faults.storm.dealing import Dealer

    dealer = Dealer(seed=options.seed, faults=0.8, slow=0.01)
    with StandIn(keep_requests=False) as provider, tempfile.TemporaryDirectory() as directory:
        provider.when(lambda _: True, dealer)
        site(provider.base_url, directory)
        return storm(dealer, options)


def storm(dealer: Dealer, options: argparse.Namespace) -> int:
    from aiops.calls.models import Call
    from tests.faults.storm.accounts import faults_in
    from tests.faults.storm.callers import Callers

    callers = Callers(options.callers, deadline=options.deadline, more=lambda _: dealer.faults < options.faults)
    started, over = time.monotonic(), threading.Event()
    memory = Memory(dealer, options.faults)
    watch = threading.Thread(target=memory.watch, args=(over,), daemon=True)
    watch.start()
    callers.start()
    home = callers.join(3600)
    over.set()
    watch.join()
    seconds = time.monotonic() - started
    faults = list(faults_in(callers.asked, dealer)) + ([] if home else ["somebody hangs"])
    by_status = Counter(Call.objects.values_list("status", flat=True))
    say(f"{dealer.faults:,} faults in {dealer.sendings.total():,} sendings of {len(callers.asked):,} calls")
    say(f"{options.callers} callers, {seconds:.0f} s, {'nobody hangs' if home else 'SOMEBODY HANGS'}")
    say(f"rows: {', '.join(f'{count:,} {status}' for status, count in sorted(by_status.items()))}")
    for part, spans in parts_of(callers.asked).items():
        say(f"{part}: {spans[len(spans) // 2]:.1f} s median, {spans[-1]:.1f} s at most")
    say(f"memory after {memory.said()}")
    say(f"{len(faults)} things that are not as they were promised")
    for fault in faults[:50]:
        say(f"  {fault}")
    return 1 if faults else 0


def parts_of(asked: Sequence[Asked]) -> dict[str, list[float]]:
    """Seconds that the parts of calls took, in order."""
    from aiops.calls.models import Call

    rows = {int(row.purpose): row for row in Call.objects.only("purpose", "started_at", "ended_at").iterator()}
    kept = [(one, rows[one.question]) for one in asked if one.question in rows and rows[one.question].ended_at]
    return {
        "until the row was written": sorted(row.started_at.timestamp() - one.began for one, row in kept),
        "until the last attempt was over": sorted((row.ended_at - row.started_at).total_seconds() for _, row in kept),
        "until its end was written": sorted(one.ended - row.ended_at.timestamp() for one, row in kept),
    }


class Memory:
    """How much of it there is at a fifth of the faults and at the end."""

    def __init__(self, dealer: Dealer, faults: int) -> None:
        self._dealer = dealer
        self._marks = [faults * share // 10 for share in (2, 4, 6, 8, 10)]
        self._seen: list[tuple[int, int, int]] = []

    def watch(self, over: threading.Event) -> None:
        """Look, each time a mark is reached."""
        for mark in self._marks:
            while self._dealer.faults < mark and not over.wait(0.05):
                pass
            self._seen.append((mark, resident(), sys.getallocatedblocks()))

    def said(self) -> str:
        return ", ".join(f"{mark:,} faults {size / MEGABYTE:.1f} MB ({blocks:,})" for mark, size, blocks in self._seen)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

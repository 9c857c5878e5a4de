"""The server's own process: `python server.py --model … --directory …`.

Run as a file, so that nothing of Django is set up in it. It holds a lock on `server.lock` for as long as it lives,
which is how others know that the process id in `server.json` is still its own, whatever became of it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.core.files import locks

ENDED, FAILED, NOT_HERE, TAKEN = 0, 1, 3, 4
"""How it ends: told to; something is wrong; this machine cannot; another one has the lock."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to end. Returns the exit code."""
    options = _options(arguments)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    directory: Path = options.directory
    with (directory / "server.lock").open("a") as lock:
        if not _take(lock, patience=2.0):
            return TAKEN
        state = directory / "server.json"
        state.unlink(missing_ok=True)
        facts = {
            "pid": os.getpid(),
            "base_url": "",
            "model": options.name,
            "path": str(options.model),
            "slots": options.slots,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            _write(state, facts)
            try:
                server = _serve(options)
            except ImportError as error:
                print(f"xllamacpp cannot be loaded: {error}", file=sys.stderr, flush=True)  # noqa: T201
                return NOT_HERE
            except RuntimeError as error:
                print(f"xllamacpp gave up: {error}", file=sys.stderr, flush=True)  # noqa: T201
                return FAILED
            _write(state, facts | {"base_url": f"{server.listening_address}/v1"})
            # Woken now and then: on Windows a signal does not end a wait.
            while not ending.wait(timeout=1.0):
                pass
            state.unlink(missing_ok=True)
            # Taking the server down in order would wait for whatever it is answering; it has nothing to lose.
            os._exit(ENDED)
        finally:
            state.unlink(missing_ok=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> Any:
    # Threads that wait for one another by spinning stand still on a busy machine: ten times slower was measured.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.slots * options.context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    # Its own count of tokens, which the log's sums are checked against.
    params.endpoint_metrics = True
    # Prefixes are shared inside a slot; a store of old prompts beside that would only take memory.
    params.cache_ram_mib = 0
    # No page of its own, no look into other people's prompts, and no way in for a web page in somebody's browser.
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = "null"
    return xllamacpp.Server(params)


def _take(lock: IO[str], *, patience: float) -> bool:
    # Whoever asks whether it is held holds it for an instant.
    deadline = time.monotonic() + patience
    while not locks.lock(lock, locks.LOCK_EX | locks.LOCK_NB):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _write(path: Path, facts: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())

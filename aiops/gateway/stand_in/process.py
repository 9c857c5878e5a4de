"""The stand-in provider as a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from aiops.gateway.stand_in.threaded import StandIn


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the address, serve until SIGTERM or Ctrl-C, give the exit code."""
    given = _parser().parse_args(arguments)
    ended = threading.Event()
    # Set before the address is printed: whoever reads it may end us at once.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    provider = StandIn(
        seed=given.seed,
        latency=given.latency,
        port=given.port,
        api_key=given.api_key,
        model=given.model,
        faults=given.faults,
        requests_per_minute=given.requests_per_minute,
        tokens_per_minute=given.tokens_per_minute,
        keep_requests=False,
    )
    try:
        provider.start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        sys.stderr.write(f"Port {given.port} cannot be used ({reason}). Take another, or 0 for a free one.\n")
        return 2
    sys.stdout.write(f"{provider.base_url}\n")
    sys.stdout.flush()
    ended.wait()
    provider.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiops.gateway.testing",
        description="A stand-in for an OpenAI-compatible provider, on loopback. Its own count is at /stand-in/totals.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same answers and faults")
    parser.add_argument("--faults", type=_share, default=0.0, metavar="SHARE", help="share of requests that go wrong")
    parser.add_argument("--api-key", metavar="KEY", help="refuse every other key with 401")
    parser.add_argument("--model", default="", help="name this model in the answers instead of the one asked for")
    parser.add_argument("--requests-per-minute", type=int, metavar="N", help="let in so many, answer the others 429")
    parser.add_argument("--tokens-per-minute", type=int, metavar="N", help="the same for tokens")
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return share

"""The client beside the bare SDK: what a call costs that is recorded, held for and settled.

All ask the same requests of the same stand-in provider, which is a process of its own, and take turns within one run:
times drift, ratios do not. The bare ones store nothing.

    python -m tests.benchmarks.client --rounds 3 --calls 300
    python -m tests.benchmarks.client --profile "awaited, chat_completion"
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from tests.benchmarks.worker import SYSTEM, TICKET, Run, measured, site, stand_in

LIMIT = {"model": "gpt-6-luna", "max_completion_tokens": 400}

BARE = {"blocking": "blocking, bare SDK", "awaited": "awaited, bare SDK"}


def messages(number: int) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Ticket {number}: {TICKET}"}]


def blocking(calls: int, ask: Callable[[int], Any]) -> Callable[[], None]:
    def all_of_them() -> None:
        for number in range(calls):
            assert ask(number).choices[0].message.content

    return all_of_them


def awaited(calls: int, in_flight: int, ask: Callable[[int], Awaitable[Any]]) -> Callable[[], None]:
    async def all_of_them() -> None:
        gate = asyncio.Semaphore(in_flight)

        async def one(number: int) -> None:
            async with gate:
                assert (await ask(number)).choices[0].message.content

        await asyncio.gather(*map(one, range(calls)))

    return lambda: asyncio.run(all_of_them())


def ways(url: str, calls: int, in_flight: int) -> dict[str, Callable[[], None]]:
    """What is compared, by name."""
    from openai import AsyncOpenAI, OpenAI

    from aiops import get_async_openai_client, get_openai_client

    bare = OpenAI(api_key="stand-in", base_url=url, max_retries=0)
    client, aclient = get_openai_client(), get_async_openai_client()
    bare_of_loop: dict[Any, AsyncOpenAI] = {}

    def abare() -> AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in bare_of_loop:
            bare_of_loop.clear()
            bare_of_loop[loop] = AsyncOpenAI(api_key="stand-in", base_url=url, max_retries=0)
        return bare_of_loop[loop]

    def create(sdk: Any, number: int) -> Any:
        return sdk.chat.completions.create(messages=messages(number), **LIMIT)

    def ours(one: Any, number: int) -> Any:
        return one.chat_completion(messages(number), max_completion_tokens=400)

    return {
        BARE["blocking"]: blocking(calls, lambda number: create(bare, number)),
        "blocking, client.sdk": blocking(calls, lambda number: create(client.sdk, number)),
        "blocking, chat_completion": blocking(calls, lambda number: ours(client, number)),
        BARE["awaited"]: awaited(calls, in_flight, lambda number: create(abare(), number)),
        "awaited, client.sdk": awaited(calls, in_flight, lambda number: create(aclient.sdk, number)),
        "awaited, chat_completion": awaited(calls, in_flight, lambda number: ours(aclient, number)),
    }


def compare(found: dict[str, Callable[[], None]], calls: int, rounds: int) -> None:
    runs: dict[str, list[Run]] = {name: [] for name in found}
    for number in range(rounds):
        for name, do in found.items():
            runs[name].append(measured(calls, do))
            run = runs[name][-1]
            print(f"{number + 1}  {name:<26} {run.rate:7.1f} calls/s  {run.cpu_ms:.2f} ms CPU a call")  # noqa: T201
    print(f"\nCPU a call beside the bare SDK, {calls} calls, median of {rounds}:")  # noqa: T201
    for name, of_it in runs.items():
        beside = runs[BARE[name.partition(",")[0]]]
        ratio = statistics.median(one.cpu_ms / bare.cpu_ms for one, bare in zip(of_it, beside, strict=True))
        print(f"{name:<26} {statistics.median(one.cpu_ms for one in of_it):.2f} ms  {ratio:.2f}")  # noqa: T201


def profile(do: Callable[[], None], most: int) -> None:
    """Where the time goes: our own functions and those that they call, by what they cost with all below them."""
    profiler = cProfile.Profile()
    profiler.runcall(do)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(most)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("aiops/|django/db|openai/|httpx2/", most * 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that the stand-in takes to answer")
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--profile", default="", metavar="NAME", help="only this one, and where its time goes")
    options = parser.parse_args()
    with stand_in(options.latency) as url, tempfile.TemporaryDirectory() as directory:
        site(url, options.in_flight, directory)
        for do in ways(url, 30, options.in_flight).values():
            do()  # Imports, the price data.
        found = ways(url, options.calls, options.in_flight)
        if options.profile:
            profile(found[options.profile], 10)
        else:
            compare(found, options.calls, options.rounds)


if __name__ == "__main__":
    main()

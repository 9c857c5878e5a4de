"""The awaited client beside the bare SDK: what a call costs that is recorded, held for and settled by itself.

A job does that for a window of calls at a time; here each call has its own two transactions. Both ask the same of the
same stand-in provider, a process of its own, by turns within one run.

    python -m tests.benchmarks.client --in-flight 50 --rows 1000
    python -m tests.benchmarks.client --in-flight 200 --profile
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import statistics
import tempfile

from tests.benchmarks.worker import BODY, SYSTEM, TICKET, Run, bare, measured, site, stand_in

FORMAT = {"type": "json_schema", "json_schema": {"name": "triage", "schema": BODY, "strict": True}}


def ours(rows: int, in_flight: int) -> Run:
    from aiops import get_async_openai_client

    async def all_of_them() -> None:
        gate, client = asyncio.Semaphore(in_flight), get_async_openai_client()

        async def one(number: int) -> str | None:
            async with gate:
                messages = [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": f"Ticket {number}: {TICKET}"},
                ]
                answer = await client.chat_completion(messages, max_completion_tokens=400, response_format=FORMAT)
                return answer.choices[0].message.content

        answers = await asyncio.gather(*(one(number) for number in range(rows)))
        assert all(answers)

    return measured(rows, lambda: asyncio.run(all_of_them()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.5, help="seconds that the stand-in takes to answer")
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--profile", action="store_true", help="say where the time of one more round goes")
    options = parser.parse_args()
    with stand_in(options.latency) as url, tempfile.TemporaryDirectory() as directory:
        site(url, options.in_flight, directory)
        ours(100, options.in_flight)
        bare(url, 100, options.in_flight)
        pairs = []
        for number in range(1, options.rounds + 1):
            pairs.append((bare(url, options.rows, options.in_flight), ours(options.rows, options.in_flight)))
            for name, run in zip(("bare loop", "client"), pairs[-1], strict=True):
                print(f"{number}  {name:<10} {run.rate:7.1f} calls/s  {run.cpu_ms:.2f} ms CPU a call")  # noqa: T201
        ratio = statistics.median(one.cpu_ms / loop.cpu_ms for loop, one in pairs)
        print(f"\n{options.in_flight} in flight: CPU a call, client to bare loop: {ratio:.2f}")  # noqa: T201
        if options.profile:
            with cProfile.Profile() as profile:
                ours(options.rows, options.in_flight)
            pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()

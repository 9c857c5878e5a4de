"""All benchmarks, one after the other, each in a process of its own: `make bench`."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    ["tests.benchmarks.worker", "--in-flight", "100", "--rows", "3000", "--naive", "300"],
    ["tests.benchmarks.worker", "--in-flight", "200", "--rows", "5000", "--rounds", "2"],
    ["tests.benchmarks.large_job", "--planned", "100000", "--worked", "10000"],
    ["tests.benchmarks.batch", "--rows", "12000", "--lines", "5000"],
    ["tests.benchmarks.client", "--calls", "200"],
    ["tests.benchmarks.storm", "--faults", "2000"],
    ["tests.benchmarks.quote", "--rows", "100"],
    ["tests.benchmarks.pages", "--calls", "100000", "--rounds", "3"],
    ["tests.benchmarks.job_page", "--items", "100000"],
    ["tests.benchmarks.ledger", "--processes", "64", "--attempts", "10000"],
    ["tests.benchmarks.spend", "--calls", "200000"],
)


def main() -> int:
    """Run them; the exit code of the first that fails."""
    for module, *options in BENCHMARKS:
        print(f"\n── {module} {' '.join(options)}", flush=True)  # noqa: T201
        code = subprocess.call([sys.executable, "-m", module, *options])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

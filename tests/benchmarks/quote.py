"""How near a quote comes to what a job turns out to cost, with real tickets and the real local model.

Quotes a job before anything is known, after some rows were tried, and compares both with what all rows came to. The
model is free; here it has a price of its own, so that there is something to reckon.

    python -m tests.benchmarks.quote --rows 200 --try-first 20
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiops.jobs.quote import Quote

FARTHEST = 0.02
"""From the quoted input to the real one, where the tokenizer is known."""

WIDEST = 1.5
"""High to low, after the trial."""


def site(directory: str) -> None:
    """Set Django up on a fresh database of its own, with the example shop and its tickets."""
    os.environ.update(VAR_DIR=directory, DEBUG="1", SECRET_KEY="b" * 50, ENV_FILE="/dev/null")
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    from aiops.ledger.own_prices import OwnPrice
    from project.helpdesk.loading import load_tickets
    from prompts.loading import load_prompts

    fixtures = settings.BASE_DIR / "fixtures"
    load_prompts(fixtures)
    load_tickets(fixtures / "tickets.csv")
    rates = {"input_tokens": Decimal(1), "output_tokens": Decimal(6)}
    OwnPrice.objects.create(connection="local", model="*", note="benchmark", **rates)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def run(version_name: str, rows: int, try_first: int) -> list[str]:
    """One job from its first quote to its end. Returns what does not hold."""
    from aiops.jobs.control import resume
    from aiops.jobs.models import Job
    from aiops.jobs.quote import quote
    from aiops.jobs.sources import model_source
    from aiops.jobs.start import start_job
    from aiops.jobs.tasks import work
    from prompts.lookup import find_version

    version, source = find_version(version_name), model_source("helpdesk.Ticket", limit=rows)
    before = quote(version, source, connection="local")
    job = start_job(version, source, connection="local", try_first=try_first)
    while Job.objects.running().filter(pk=job.pk).exists():
        work(job.pk)
    job.refresh_from_db()
    spent, answered = job.cost, job.items.exclude(status="pending").count()
    after = quote(version, source, connection="local")
    say(f"{job.paused_because}")
    resume(job)
    while Job.objects.running().filter(pk=job.pk).exists():
        work(job.pk)
    job.refresh_from_db()
    say(f"{rows} rows, {answered} of them tried first for {spent:,} nano-dollars")
    say(f"came to       in {job.tokens_in:8,}   out {job.tokens_out:7,}   cost {job.cost:12,}")
    return [*_held("at first", before, job, None), *_held("after the trial", after, job, WIDEST)]


def _held(name: str, quoted: Quote, job: object, widest: float | None) -> list[str]:
    wrong = []
    read, cost = quoted.tokens_in, quoted.cost
    real_in, real_cost = getattr(job, "tokens_in", 0), getattr(job, "cost", 0)
    if read.likely is None or cost is None:
        return [f"{name}: nothing was quoted"]
    off = read.likely / real_in - 1
    ratio = cost.high / max(1, cost.low)
    say(
        f"{name:14}in {read.likely:8,} ({off:+.2%})  out {quoted.tokens_out.low:,} to {quoted.tokens_out.high:,}"
        f"  cost {cost.low:,} to {cost.high:,}, likely {cost.likely or 'unknown'}; high is {ratio:.2f} × low"
    )
    if quoted.basis != "estimated" and abs(off) > FARTHEST:
        wrong.append(f"{name}: the input is {off:+.1%} off")
    if not cost.low <= real_cost <= cost.high:
        wrong.append(f"{name}: the cost is not within the quote")
    if widest and ratio > widest:
        wrong.append(f"{name}: high is {ratio:.2f} × low")
    return wrong


def main() -> int:
    """Run it; 1 where anything is not as it was promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--try-first", type=int, default=20)
    parser.add_argument("--prompt", default="triage-ticket-small")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        site(directory)
        from django.conf import settings

        from project.demo.answering import answering, leading_to

        models = Path(__file__).resolve().parent.parent.parent / "var" / "models"
        with answering(models, stand_in=False, say=say) as server, leading_to(server):
            local = settings.AIOPS["CONNECTIONS"]["local"]
            say(f"{server.what}, tokens counted by {local.get('TOKENIZER') or 'an estimate'}")
            wrong = run(options.prompt, options.rows, options.try_first)
    for sentence in wrong:
        say(sentence)
    say(f"{len(wrong)} things that are not as they were promised")
    return min(1, len(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""What the how-to shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aiops.jobs.models import Job
from tests.jobs.batch.conftest import counts, to_the_end

HOW_TO = (Path(__file__).parents[3] / "docs/how-to/run-as-a-batch.md").read_text()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("budget", "tickets", "connection_with")
def test_the_example_does_what_it_says(triage, provider):
    triage.prompt.name = "triage-ticket"
    triage.prompt.save()
    (block,) = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)
    names = {}
    exec(compile(block, "run-as-a-batch.md", "exec"), names)
    job = names["job"]
    to_the_end(job)
    assert (job.transport, job.status, counts(job)) == (Job.Transport.BATCH, Job.Status.FINISHED, {"succeeded": 20})

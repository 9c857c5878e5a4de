"""How good the answers were: against the topics that people gave to these very tickets."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aiops.jobs.models import Job
from project.helpdesk.models import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Answers beside known topics."""

    rows: int
    """Those that succeeded."""

    same: int

    commonest: int
    """What always answering the commonest topic would have got right."""

    topics: int

    def sentence(self) -> str:
        """With what it has to be measured against."""
        if not self.rows:
            return "nothing to compare"
        return (
            f"{self.same} of {self.rows} ({self.same / self.rows:.0%}); chance {1 / self.topics:.0%}, "
            f"the commonest topic alone {self.commonest / self.rows:.0%}"
        )


def agreement(job: Job, topics_file: Path) -> Agreement:
    """Compare the categories that a job gave with the data set's own labels, which the model never saw."""
    topics = json.loads(topics_file.read_text(encoding="utf-8"))
    intents = {str(pk): intent for pk, intent in Ticket.objects.values_list("pk", "intent")}
    answered = job.items.filter(status="succeeded").values_list("row_key", "data")
    pairs = [(topics[intents[key]], data["category"]) for key, data in answered if key in intents and data]
    known = Counter(topic for topic, _ in pairs)
    return Agreement(
        rows=len(pairs),
        same=sum(topic == answer for topic, answer in pairs),
        commonest=max(known.values(), default=0),
        topics=len(set(topics.values())),
    )

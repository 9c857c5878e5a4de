"""Identical rows of a job: the first is asked, the others have its answer. What is the same is not paid for twice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

from django.db.models import OuterRef, Subquery

from aiops.jobs.models import Item, Job
from prompts.models import PromptVersion

REMEMBERED = 100_000
"""Different rows that planning keeps in mind, in some 15 MB; one that is like an earlier row is asked again."""

FOLLOWED = ("status", "call_id", "data", "text", "error_kind", "error_text", "ended_at")


class Firsts:
    """Where in a job each row was seen first, while it is planned."""

    def __init__(self, version: PromptVersion, *, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._read = version.variables | version.optional
        self._seen: dict[bytes, int] = {}
        self.duplicates = 0

    def of(self, variables: Mapping[str, Any], position: int) -> int | None:
        """The position of an earlier row of which the version reads the same; None where there is none."""
        read = {name: value for name, value in variables.items() if name in self._read}
        told = json.dumps(read, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        digest = blake2b(told, digest_size=16).digest()
        first = self._seen.get(digest)
        if first is not None:
            self.duplicates += 1
        elif len(self._seen) < self._remembered:
            self._seen[digest] = position
        return first


def follow(job: Job, ended: Collection[int]) -> int:
    """End those items that are like some that have ended, as these did. Returns how many.

    Belongs in the transaction that ended them.

    Args:
        ended: primary keys of items.
    """
    if not job.duplicates or not ended:
        return 0
    firsts = Item.objects.filter(pk__in=ended, job=job).exclude(status__in=Item.OPEN)
    positions = list(firsts.values_list("position", flat=True))
    like = Item.objects.filter(job=job, same_as__in=positions, status=Item.Status.PENDING)
    first = Item.objects.filter(job=OuterRef("job"), position=OuterRef("same_as"))
    return like.update(**{name: Subquery(first.values(name)[:1]) for name in FOLLOWED})

"""Taking answers out: what a person wants asked afresh, and what has expired or has no room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import router, transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import ngettext

from aiops.cache.models import Asking, CachedAnswer, CachedAnswerQuerySet
from aiops.options import options

AT_ONCE = 500
"""Answers that one transaction takes out: other writers wait for it."""

MOST = 5000
"""Answers that one call of `prune` takes out."""


Row = tuple[int, int]
"""Primary key and bytes of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What was taken out, or would be."""

    count: int = 0

    size: int = 0
    """Bytes."""

    def __add__(self, other: Purged) -> Purged:
        return Purged(count=self.count + other.count, size=self.size + other.size)

    def sentence(self, *, dry_run: bool = False) -> str:
        """For people; of a dry run, what would be done."""
        if dry_run:
            text = ngettext(
                "%(n)s answer would be purged, %(size)s.", "%(n)s answers would be purged, %(size)s.", self.count
            )
        else:
            text = ngettext("%(n)s answer was purged, %(size)s.", "%(n)s answers were purged, %(size)s.", self.count)
        # A plain space: the sentence is for terminals and pipes, too.
        return text % {"n": f"{self.count:,}", "size": filesizeformat(self.size).replace("\xa0", " ")}


def purge(answers: CachedAnswerQuerySet, *, dry_run: bool = False) -> Purged:
    """Take all of these answers out, by and by; whoever asks is answered afresh.

    Args:
        dry_run: only count them.
    """
    done, last = Purged(), 0
    while True:
        rows = answers.filter(pk__gt=last).order_by("pk").values_list("pk", "size")
        part = list(rows[:AT_ONCE])
        if not part:
            return done
        last = part[-1][0]
        if not dry_run:
            CachedAnswer.objects.filter(pk__in=[pk for pk, _size in part]).delete()
        done += _purged(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a call of `prune` took out."""

    expired: Purged = Purged()
    """Of an older form, too."""

    unused: Purged = Purged()
    """For want of room."""

    more: bool = False
    """Whether there is more to do than one call does."""


def prune(*, now: datetime, most_bytes: int | None = None, most: int = MOST) -> Pruned:
    """Take out what has expired and, beyond the room there is, what was not used for longest.

    Its work is bounded: it is to be called each minute. Belongs in no transaction.

    Args:
        most_bytes: the room there is; None for `AIOPS["CACHE_MOST_BYTES"]`.
        most: answers that this call takes out; what is left is for the next.
    """
    Asking.objects.filter(until__lte=now).delete()
    answers = CachedAnswer.objects
    expired = _take_out(answers.outdated(), most=most)
    expired += _take_out(answers.expired(now), most=most - expired.count)
    excess = answers.bytes() - (options().cache_most_bytes if most_bytes is None else most_bytes)
    unused = _take_out(answers.longest_unused(), most=most - expired.count, size=excess) if excess > 0 else Purged()
    return Pruned(expired=expired, unused=unused, more=expired.count + unused.count >= most)


def _take_out(answers: CachedAnswerQuerySet, *, most: int, size: int | None = None) -> Purged:
    """Delete the first of these by and by, but for those that somebody else is writing to.

    Args:
        most: so many.
        size: only until they come to so many bytes.
    """
    done = Purged()
    while done.count < most and (size is None or done.size < size):
        with transaction.atomic(using=router.db_for_write(CachedAnswer)):
            rows = answers.select_for_update(skip_locked=True).values_list("pk", "size")
            part = list(_first(rows[: min(most - done.count, AT_ONCE)], None if size is None else size - done.size))
            CachedAnswer.objects.filter(pk__in=[pk for pk, _size in part]).delete()
        if not part:
            break
        done += _purged(part)
    return done


def _first(rows: Iterable[Row], size: int | None) -> Iterator[Row]:
    for row in rows:
        if size is not None:
            if size <= 0:
                return
            size -= row[1]
        yield row


def _purged(rows: Sequence[Row]) -> Purged:
    return Purged(count=len(rows), size=sum(size for _pk, size in rows))

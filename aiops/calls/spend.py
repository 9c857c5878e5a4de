"""What calls came to, a row a day: for all of them, and for each version, model, connection, user and job.

Written with the end of each call, so that nobody ever adds up the log.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from django.db import models
from django.utils.translation import gettext_lazy as _

STEP = 1.5
"""From the edge of one bucket of times to that of the next. Finer ones cost every page that adds them up."""

EDGES = tuple(round(40 * STEP**number) for number in range(22))
"""Milliseconds at which buckets of times begin, after the first: 40 ms to 199 s. The database knows them by number."""

TIMES = tuple(f"ms_{number:02}" for number in range(len(EDGES) + 1))
"""Columns that count how many calls took how long."""


class Spend(models.Model):
    """What the calls that began on one day came to. Those under way are not in it."""

    class By(models.TextChoices):
        ALL = "all", _("everything")
        CONNECTION = "connection", _("connection")
        JOB = "job", _("job")
        MODEL = "model", _("model")
        USER = "user", _("user")
        VERSION = "version", _("version")

    day = models.DateField(_("day"), help_text=_("On which the calls began, in the time zone of the site."))
    by = models.CharField(_("by"), max_length=12, choices=By)
    key = models.CharField(_("of which"), max_length=255, blank=True, help_text=_("As text; empty for everything."))

    calls = models.IntegerField(_("calls"), db_default=0)
    failed = models.IntegerField(_("failed"), db_default=0)
    unknown = models.IntegerField(_("unknown how they ended"), db_default=0)
    unknown_costs = models.IntegerField(_("of unknown cost"), db_default=0)
    reused = models.IntegerField(_("answered without being sent"), db_default=0)
    cost = models.BigIntegerField(_("cost in nano-dollars"), db_default=0, help_text=_("Where it is known."))
    saved = models.BigIntegerField(_("saved, nano-dollars"), db_default=0)
    tokens_in = models.BigIntegerField(_("tokens in"), db_default=0)
    tokens_out = models.BigIntegerField(_("tokens out"), db_default=0)

    stamp = models.BigIntegerField(
        _("stamp"), db_default=0, editable=False, help_text=_("Another number after each change of the row.")
    )

    class Meta:
        verbose_name = _("spend")
        verbose_name_plural = _("spend")
        ordering = ("-day", "by", "key")
        # Whoever may see the calls may see what they came to.
        default_permissions = ()
        # Sums of each key over many days are read along this; a row's place in it never changes.
        indexes = (models.Index(fields=("by", "key", "day"), name="aiops_spend_key"),)
        constraints = (models.UniqueConstraint(fields=("by", "day", "key"), name="aiops_spend_once"),)

    def __str__(self) -> str:
        return f"{self.day}, {self.by} {self.key}".rstrip()


for _name in TIMES:
    Spend.add_to_class(_name, models.IntegerField(db_default=0))

COUNTED = ("calls", "failed", "unknown", "unknown_costs", "reused", "cost", "saved", "tokens_in", "tokens_out")
"""Columns that are added up, apart from the times."""


def bucket_of(milliseconds: int) -> str:
    """The column that counts a call which took so long."""
    return TIMES[bisect_right(EDGES, milliseconds)]


def time_below_which(share: float, counts: Sequence[int]) -> int | None:
    """Milliseconds within which a share of the calls ended, such as 0.5 for the median.

    Reckoned as if the times in a bucket lay evenly between its edges: for many calls within a few percent of what it
    was; never off by more than half.

    Args:
        counts: of the columns `TIMES`.

    Returns:
        None where no call was timed. Beyond the last edge that edge, and 33 ms for whatever took less than 40.
    """
    total = sum(counts)
    if total <= 0:
        return None
    rank = max(1, math.ceil(share * total))
    sums = list(accumulate(counts))
    number = bisect_left(sums, rank)
    if number == len(EDGES):
        return EDGES[-1]
    if number == 0:
        return round(EDGES[0] / math.sqrt(STEP))
    within = (rank - sums[number - 1] - 0.5) / counts[number]
    return round(EDGES[number - 1] * math.pow(STEP, within))

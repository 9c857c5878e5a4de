"""What the log says that calls of some days came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, F, Q, Sum
from django.db.models.functions import Coalesce

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.execution.reconciliation.figures import Figures, Key
from aiops.execution.reconciliation.names import NameOf

IN = ("input_tokens", "cached_tokens", "cache_write_tokens", "input_audio_tokens", "input_image_tokens")
OUT = ("output_tokens", "reasoning_tokens", "output_audio_tokens")


def logged(connections: Collection[str], days: Iterable[date], name_of: NameOf) -> dict[Key, Figures]:
    """Calls by the day, of UTC, on which they were asked, and model: added up by the database, a range of keys a day.

    What was answered out of the cache is left out, for nobody was asked. A call that somebody else answered than was
    meant counts for whoever did, with all of its cost.

    Args:
        connections: aliases; only what these answered.
    """
    found: defaultdict[Key, Figures] = defaultdict(Figures)
    for day in days:
        start = datetime.combine(day, time(), UTC)
        calls = Call.objects.filter(
            pk__gte=first_id_at(start), pk__lt=first_id_at(start + timedelta(days=1)), reused_from=None
        )
        groups = calls.order_by().values("connection", "connection_answered", "model_asked", "model_answered")
        for group in groups.annotate(
            calls=Count("pk"),
            known=Sum("cost"),
            unknown=Count("pk", filter=Q(cost=None)),
            read=Sum(_all(IN)),
            written=Sum(_all(OUT)),
        ):
            if (group["connection_answered"] or group["connection"]) in connections:
                found[day, name_of(group["model_answered"] or group["model_asked"])] += Figures(
                    calls=group["calls"],
                    cost=group["known"],
                    unknown=group["unknown"],
                    tokens_in=group["read"] or 0,
                    tokens_out=group["written"] or 0,
                )
    return dict(found)


def _all(buckets: Iterable[str]) -> Any:
    first, *others = [Coalesce(F(bucket), 0, output_field=BigIntegerField()) for bucket in buckets]
    total: Any = first
    for other in others:
        total = total + other
    return total

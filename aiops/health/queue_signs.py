"""The way from a ring to a worker: clusters, messages, the sweeper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.health.ages import age, long
from aiops.health.mailbox import PREFIX, has_mailboxes
from aiops.health.signs import Level, Sign
from aiops.jobs.models import Heartbeat
from aiops.jobs.schedule import NAME

QUIET = 180
"""Seconds without a word after which something is wrong: a cluster that is well has swept twice within them."""

UNASKED_QUIET = 600
"""The same of a cluster that nobody watches: beside others, it may by chance have had nothing to do."""

FAST = timedelta(minutes=2)
"""So far a clock may be ahead."""

SLOW_QUEUE = 600
STUCK_QUEUE = 3600
"""Seconds that the oldest message has waited."""

MOST = 1000
"""Rows that are looked at: beyond them it is the same trouble."""


def clusters() -> list[Heartbeat]:
    """Those that should be there, last heard of first."""
    return list(Heartbeat.objects.wanted()[:MOST])


def of_workers(found: Sequence[Heartbeat], now: datetime) -> Sign:
    """Whether anybody is there to hear a ring, and nobody is missing."""
    start = _("Start them: manage.py work")
    if not found:
        said = _("No worker has been heard of.")
        return Sign(what="workers", level=Level.BAD, said=said, remedy=start, facts={"clusters": 0, "silent": None})
    silent = age(found[0].beat_at, now)
    there = [one for one in found if age(one.beat_at, now) <= (QUIET if one.watched else UNASKED_QUIET)]
    facts = {"clusters": len(there), "silent": silent}
    if silent > QUIET:
        said = _("No worker has been heard of for %s.") % long(silent)
        remedy = _("Start them, or restart them where they run: manage.py work puts a cluster that hangs right itself.")
        return Sign(what="workers", level=Level.BAD, said=said, remedy=remedy, facts=facts)
    if found[0].beat_at > now + FAST:
        said = _("The clock of %(host)s is ahead of this one by %(long)s.") % {
            "host": found[0].host,
            "long": long(age(now, found[0].beat_at)),
        }
        remedy = _("Set the clocks of all machines by the same time server: leases go by them.")
        return Sign(what="workers", level=Level.BAD, said=said, remedy=remedy, facts=facts)
    missing = [one.cluster for one in found if one.watched and age(one.beat_at, now) > QUIET]
    if missing:
        said = _("Of %(n)s clusters of workers these are silent: %(names)s.") % {
            "n": len(found),
            "names": ", ".join(missing[:5]),
        }
        remedy = _("See on their machines; one that was taken away for good is forgotten after a day.")
        return Sign(what="workers", level=Level.WARN, said=said, remedy=remedy, facts=facts)
    text = ngettext(
        "%(n)s cluster of workers, last heard of %(long)s ago.",
        "%(n)s clusters of workers, last heard of %(long)s ago.",
        len(there),
    )
    return Sign(what="workers", level=Level.OK, said=text % {"n": len(there), "long": long(silent)}, facts=facts)


def of_queue(now: datetime) -> Sign:
    """How many messages wait, and for how long."""
    if not has_mailboxes():
        return _of_another_queue()
    from django_q.conf import Conf
    from django_q.models import OrmQ

    # One under way is locked until it would be given out again.
    waiting = OrmQ.objects.using(Conf.ORM).filter(lock__lte=now).exclude(key__startswith=PREFIX)
    locks = list(waiting.order_by("pk").values_list("lock", flat=True)[: MOST + 1])
    if not locks:
        return Sign(what="queue", level=Level.OK, said=_("No message waits."), facts={"waiting": 0, "oldest": None})
    oldest = age(min(locks), now)
    number = f"{MOST:,}+" if len(locks) > MOST else f"{len(locks):,}"
    text = ngettext(
        "%(n)s message waits, the oldest for %(long)s.", "%(n)s messages wait, the oldest for %(long)s.", len(locks)
    )
    level = Level.OK if oldest < SLOW_QUEUE else Level.WARN if oldest < STUCK_QUEUE else Level.BAD
    return Sign(
        what="queue",
        level=level,
        said=text % {"n": number, "long": long(oldest)},
        remedy="" if level is Level.OK else _("Start more workers (QUEUE_WORKERS, or another machine)."),
        facts={"waiting": len(locks), "oldest": oldest},
    )


def _of_another_queue() -> Sign:
    from django_q.brokers import get_broker

    try:
        waiting = get_broker().queue_size()
    except Exception as error:
        said = _("The queue could not be asked: %s") % type(error).__name__
        return Sign(what="queue", level=Level.BAD, said=said, remedy=_("See that its server runs."))
    text = ngettext("%(n)s message waits.", "%(n)s messages wait.", waiting or 0)
    return Sign(what="queue", level=Level.OK, said=text % {"n": waiting}, facts={"waiting": waiting, "oldest": None})


def of_sweeper(now: datetime) -> Iterator[Sign]:
    """Whether the tick comes that sees to what nobody rang for."""
    from django_q.models import Schedule

    due = Schedule.objects.filter(name=NAME).exclude(repeats=0).values_list("next_run", flat=True).first()
    if due is None:
        said = _("The sweeper's schedule is gone.")
        yield Sign(what="sweeper", level=Level.BAD, said=said, remedy=_("Make it anew: manage.py migrate"))
        return
    late = age(due, now)
    facts = {"late": late}
    if late > QUIET:
        said = _("The sweeper is late by %s.") % long(late)
        remedy = _("Where workers run, a schedule that is malformed stops all of them: see “Scheduled tasks”.")
        yield Sign(what="sweeper", level=Level.BAD, said=said, remedy=remedy, facts=facts)
    else:
        yield Sign(what="sweeper", level=Level.OK, said=_("The sweeper comes each minute."), facts=facts)

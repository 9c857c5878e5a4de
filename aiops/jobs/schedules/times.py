"""When a schedule is due: a cron expression in a time zone, or an interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.schedules.errors import BadTime


def next_by_cron(expression: str, zone: tzinfo, after: datetime) -> datetime:
    """The first time that fits the expression later than `after`.

    As Debian's cron has it: what is set for a fixed time runs once on the nights on which the clocks change, at once
    after the hour that is left out, and only in the first of the two that are alike. What runs by the hour (`*`) keeps
    to real hours.

    Raises:
        BadTime: it is no such expression, or no day ever fits it.
    """
    words = {"cron": expression}
    if len(expression.split()) != 5:
        raise BadTime(
            _(
                "“%(cron)s” is no cron expression: write minute, hour, day, month and weekday, "
                "such as 30 2 * * * for each night at 2:30."
            )
            % words,
            "cron",
        )
    try:
        times = CronSim(expression, after.astimezone(zone))
        found = next(times)
        # In the second of two hours that are alike it finds the first of them once more.
        while found.astimezone(UTC) <= after:
            found = next(times)
    # The latter for a number of thousands of digits.
    except (CronSimError, ValueError) as error:
        raise BadTime(
            _(
                "“%(cron)s” is no cron expression (%(why)s): write minute, hour, day, month and weekday, "
                "such as 30 2 * * * for each night at 2:30."
            )
            % {**words, "why": str(error)},
            "cron",
        ) from error
    except (StopIteration, OverflowError):
        raise BadTime(_("No day ever fits “%(cron)s”: choose another time.") % words, "cron") from None
    return found.astimezone(UTC)


def next_by_interval(every: timedelta, since: datetime | None, after: datetime) -> datetime:
    """The first time later than `after` that is whole intervals away from `since`; without that, one from now."""
    if since is None:
        return after + every
    # Also where it is later, and more than one interval: then the clock was set back.
    return since + ((after - since) // every + 1) * every


def zone_named(name: str) -> tzinfo:
    """A time zone; the site's own where the name is empty.

    Raises:
        BadTime: there is none of that name.
    """
    if not name:
        return timezone.get_default_timezone()
    try:
        return ZoneInfo(name)
    # What is no file's name at all is a ValueError, what is a directory's an OSError.
    except (KeyError, ValueError, OSError) as error:
        raise BadTime(
            _("There is no time zone “%(name)s”: write one such as Europe/Berlin, or leave it empty.") % {"name": name},
            "time_zone",
        ) from error

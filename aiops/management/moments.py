"""Moments to come, as they are typed."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _


def moment_to_come(text: str) -> datetime:
    """`18:00`, which is the next one, or `2027-01-31T18:00`, in the time zone of the site.

    Raises:
        ArgumentTypeError: it is neither, or over.
    """
    now = timezone.localtime()
    try:
        at = time.fromisoformat(text)
    except ValueError:
        return _whole(text, now)
    if at.tzinfo is not None:
        raise ArgumentTypeError(_("give a time without a zone: it is that of the site"))
    today = timezone.make_aware(datetime.combine(now.date(), at))
    if today > now:
        return today
    return timezone.make_aware(datetime.combine(now.date() + timedelta(days=1), at))


def _whole(text: str, now: datetime) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(_("give a time such as 18:00 or 2027-01-31T18:00")) from None
    moment = timezone.make_aware(given) if timezone.is_naive(given) else given
    if moment <= now:
        raise ArgumentTypeError(_("this time is over: give a later one"))
    return moment

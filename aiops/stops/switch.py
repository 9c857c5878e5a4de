"""The switch that stops every call at once, at whichever door it is pressed."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.options import options
from aiops.stops.errors import NotStopped, Stopped
from aiops.stops.models import Stop

MOST_WORDS = 500
"""Characters of a reason: it is repeated to everybody who is refused."""


def stop_all(by: Any, because: str) -> Stop:
    """Refuse every call from now on. Those that have left come to their end.

    Args:
        by: the user of the site; None where a command did it.
        because: why, for everybody who is refused; blank for a sentence of ours.

    Returns:
        The stop: the one that was there already, if there was one.
    """
    because = " ".join(because.split())[:MOST_WORDS] or _("no reason was given.")
    with transaction.atomic():
        there = Stop.objects.in_force().select_for_update().first()
        if there is not None:
            return there
        made = Stop.objects.create(by=by, because=because, since=timezone.now())
        _note(by, made, ADDITION, _("Stopped every call: %(why)s") % {"why": because})
    return made


def go_on(by: Any) -> list[Stop]:
    """Let calls be made again.

    Args:
        by: the user of the site; None where a command did it.

    Returns:
        The stops that this ended.

    Raises:
        NotStopped: nothing was stopped, or it is the settings that stop it.
    """
    with transaction.atomic():
        ended = list(Stop.objects.in_force().select_for_update())
        Stop.objects.filter(pk__in=[stop.pk for stop in ended]).update(until=timezone.now(), ended_by=by)
        for stop in ended:
            _note(by, stop, CHANGE, _("Let calls go on."))
    if options().stopped:
        raise NotStopped(_('The settings stop every call: take AIOPS["STOPPED"] out, and restart the processes.'))
    if not ended:
        raise NotStopped(_("Nothing is stopped: calls are being made."))
    return ended


def stopped() -> Stopped | None:
    """Why no call may be made just now; None where calls may be made. One query, or none where the settings say it."""
    said = options().stopped
    if said:
        return Stopped(because=said if isinstance(said, str) else _("no reason was given."))
    found = Stop.objects.in_force().first()
    if found is None:
        return None
    return Stopped(because=found.because, by=found.by.get_username() if found.by else "", since=found.since)


def require_going() -> None:
    """The door of every call.

    Raises:
        Stopped: somebody has stopped them all.
    """
    if refusal := stopped():
        raise refusal


def _note(by: Any, stop: Stop, flag: int, message: str) -> None:
    if by is not None:
        rows = Stop.objects.filter(pk=stop.pk)
        LogEntry.objects.log_actions(by.pk, rows, flag, change_message=message, single_object=True)

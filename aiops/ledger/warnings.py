"""Warnings before the wall: once a period, when so much of a budget is spent."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import httpx2
from django.core.mail import mail_admins, send_mail
from django.db.models import F
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from aiops.ledger.models import BudgetPeriod
from aiops.ledger.money import dollars
from aiops.options import options

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a webhook may take: others wait for the tick that tells it."""


def warn(now: datetime) -> int:
    """Tell whoever is to be told of budgets that are nearly spent. Returns how many there were; each once a period."""
    told = 0
    for period in nearly_spent(now):
        # Noted before it is told: a tick that comes meanwhile must not tell it again.
        if BudgetPeriod.objects.filter(pk=period.pk, warned_at=None).update(warned_at=now):
            tell(period)
            told += 1
    return told


def nearly_spent(now: datetime) -> list[BudgetPeriod]:
    """Periods under way of which so much is spent that somebody wanted to know, and nobody was told yet."""
    warning = F("cap") / 100 * F("budget__warn_at")
    found = BudgetPeriod.objects.under_way(now).filter(
        budget__active=True, budget__warn_at__isnull=False, warned_at=None, settled__gt=0, settled__gte=warning
    )
    return list(found.select_related("budget").order_by("pk"))


def sentence(period: BudgetPeriod) -> str:
    """What is told."""
    words = {
        "name": period.title,
        "spent": dollars(period.settled),
        "cap": dollars(period.cap),
        "percent": min(999, period.settled * 100 // max(1, period.cap)),
    }
    text = _("Of the budget “%(name)s” %(spent)s of %(cap)s are spent, %(percent)s %%.") % words
    if period.ends_at is None:
        return text
    when = formats.date_format(timezone.localtime(period.ends_at), "DATETIME_FORMAT")
    return f"{text} {_('It is renewed on %(when)s.') % {'when': when}}"


def tell(period: BudgetPeriod) -> None:
    """By mail and to the webhook, as the settings say. What goes wrong with one is logged, and stops nothing."""
    text = sentence(period)
    for way in (_by_mail, _to_webhook):
        try:
            way(period, text)
        except Exception:
            logger.exception("budget %s: the warning could not be told", period.budget_id)


def _by_mail(period: BudgetPeriod, text: str) -> None:
    subject = _("Budget “%(name)s” is nearly spent") % {"name": " ".join(period.title.split())}
    if options().budget_mail:
        send_mail(subject, text, None, list(options().budget_mail))
    else:
        mail_admins(subject, text)


def _to_webhook(period: BudgetPeriod, text: str) -> None:
    address = options().budget_webhook
    if not address:
        return
    body: dict[str, Any] = {
        "text": text,
        "budget": period.title,
        "settled": period.settled,
        "cap": period.cap,
        "starts_at": period.starts_at.isoformat(),
        "ends_at": period.ends_at.isoformat() if period.ends_at else None,
    }
    httpx2.post(address, json=body, timeout=PATIENCE).raise_for_status()

"""Warnings before the wall: once a period, when so much of a budget is spent."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
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


class NotPosted(Exception):
    """A webhook took nothing. The address is not named: there may be a secret in it, and this is logged."""


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
    """Tell payers of a budget that is nearly spent."""
    title = period.title
    tell_payers(
        _("Budget “%(name)s” is nearly spent") % {"name": title},
        sentence(period),
        {
            "budget": title,
            "settled": period.settled,
            "cap": period.cap,
            "starts_at": period.starts_at.isoformat(),
            "ends_at": period.ends_at.isoformat() if period.ends_at else None,
        },
    )


def tell_payers(subject: str, text: str, facts: Mapping[str, Any]) -> None:
    """By mail and to the webhook, as the settings say. What goes wrong with one is logged, and stops nothing.

    Args:
        facts: what a webhook is given beside the text.
    """
    subject = " ".join(subject.split())
    for way in (_by_mail, _to_webhook):
        try:
            way(subject, text, facts)
        except Exception:
            logger.exception("“%s”: the warning could not be told", subject)


def _by_mail(subject: str, text: str, _facts: Mapping[str, Any]) -> None:
    if options().budget_mail:
        send_mail(subject, text, None, list(options().budget_mail))
    else:
        mail_admins(subject, text)


def _to_webhook(_subject: str, text: str, facts: Mapping[str, Any]) -> None:
    address = options().budget_webhook
    if address:
        post(address, json.dumps({"text": text, **facts}).encode())


def post(address: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
    """Post JSON to a webhook of the settings.

    Raises:
        NotPosted: it did not arrive, or was not taken.
    """
    sent = {"Content-Type": "application/json", **(headers or {})}
    try:
        status = httpx2.post(address, content=body, headers=sent, timeout=PATIENCE).status_code
    except httpx2.HTTPError as error:
        raise NotPosted(type(error).__name__) from None
    except (httpx2.InvalidURL, ValueError):
        raise NotPosted("no address") from None
    if not 200 <= status < 300:
        raise NotPosted(f"status {status}")

"""Telling people, and other machines, that a job is done or paused: after the commit, never in the middle of work."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
from datetime import datetime
from typing import Any

from django.core.mail import send_mail
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.models import Item, Job, Notice
from aiops.ledger.money import dollars
from aiops.ledger.warnings import post
from aiops.options import options

logger = logging.getLogger(__name__)

KEY_VARIABLE = "JOB_WEBHOOK_KEY"
"""Name of the environment variable with the key that webhooks are signed by."""

MOST = 20
"""Notices that are sent at a time: others wait for whoever sends them."""


class Unsigned(Exception):
    """There is no key to sign a webhook by: whoever is posted to could not tell it from anybody's."""

    def __init__(self) -> None:
        super().__init__(f"Nothing is posted without a signature: set {KEY_VARIABLE} in the environment.")


def tell_ends(now: datetime, *, job_id: int | None = None) -> int:
    """Send what is to be told by now. What goes wrong with one is logged, and tried again a few times.

    Args:
        job_id: of this job only; None for all.

    Returns:
        How many have arrived.
    """
    due = Notice.objects.due(now).order_by("due_at")
    due = due if job_id is None else due.filter(job_id=job_id)
    arrived = 0
    for notice in due.select_related("job__user", "job__version__prompt")[:MOST]:
        if not notice.take(now):
            continue
        try:
            _send(notice)
        except Exception:
            logger.exception("job %s: it could not be told %s that it is %s", notice.job_id, notice.way, notice.what)
        else:
            notice.told(now)
            arrived += 1
    return arrived


def sentence(notice: Notice, counts: dict[str, int]) -> str:
    """What is told."""
    job = notice.job
    if notice.what == Notice.What.PAUSED:
        return _("Job %(id)s, %(job)s, is paused: %(why)s") % {"id": job.pk, "job": job, "why": notice.because}
    words = {
        "id": job.pk,
        "job": job,
        "good": f"{counts[Item.Status.SUCCEEDED]:,}",
        "bad": f"{counts[Item.Status.FAILED]:,}",
        "cost": dollars(job.cost),
    }
    text = _("Job %(id)s, %(job)s, has finished: %(good)s succeeded, %(bad)s failed, %(cost)s.") % words
    if not job.unknown_costs:
        return text
    unknown = ngettext(
        "The cost of %(n)s call is unknown.", "The costs of %(n)s calls are unknown.", job.unknown_costs
    ) % {"n": job.unknown_costs}
    return f"{text} {unknown}"


def _send(notice: Notice) -> None:
    counts = notice.job.items.count_by_status()
    text = sentence(notice, counts)
    if notice.way == Notice.Way.WEBHOOK:
        _post(notice, text, counts)
        return
    user = notice.job.user
    address = user.email if user is not None and user.is_active else ""
    # Somebody without an address is told by the admin alone.
    if address:
        what = {"id": notice.job_id, "what": notice.get_what_display(), "job": notice.job}
        subject = _("Job %(id)s is %(what)s: %(job)s") % what
        send_mail(" ".join(subject.split()), text, None, [address])


def _post(notice: Notice, text: str, counts: dict[str, int]) -> None:
    address = options().job_webhook
    if not address:
        return
    body = json.dumps(
        {
            "type": f"job.{notice.what}",
            "timestamp": notice.made_at.isoformat(),
            "data": facts(notice.job, counts) | {"because": notice.because, "text": text},
        }
    ).encode()
    # The name is the same for each try, so that whoever is posted to can tell; the time is its own, since an old
    # one is taken for somebody's who has listened.
    name, at = f"notice-{notice.pk}", str(int(timezone.now().timestamp()))
    signed = {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature(name, at, body)}
    post(address, body, headers=signed)


def facts(job: Job, counts: dict[str, int]) -> dict[str, Any]:
    """A job in numbers, money in nano-dollars."""
    return {
        "job": job.pk,
        "version": str(job.version),
        "rows": sum(counts.values()),
        "counts": counts,
        "cost": job.cost,
        "unknown_costs": job.unknown_costs,
    }


def signature(name: str, timestamp: str, body: bytes) -> str:
    """As Standard Webhooks has it: `v1,` and the HMAC-SHA256 of id, time and body.

    Raises:
        Unsigned: there is no key.
    """
    given = os.environ.get(KEY_VARIABLE, "").strip()
    if not given:
        raise Unsigned
    key = base64.b64decode(given.removeprefix("whsec_")) if given.startswith("whsec_") else given.encode()
    digest = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"

"""Whether a server has batches: it is asked for its list of them, which costs nothing."""

from __future__ import annotations

import time

from django.utils.translation import gettext as _

from aiops.gateway.batches import has_batches
from aiops.gateway.connections import Connection
from aiops.gateway.errors import GatewayError
from aiops.health.findings import Finding, State

WHAT = "batches"


def look_for_batches(connection: Connection, *, timeout: float) -> Finding:
    """One finding.

    Args:
        timeout: seconds.
    """
    started, expected = time.perf_counter(), connection.supports_batch
    try:
        found = has_batches(connection, timeout=timeout)
    except GatewayError as error:
        error.forget(connection.api_key)
        return Finding(what=WHAT, state=State.UNKNOWN, said=str(error), wrong=expected)
    ms = round((time.perf_counter() - started) * 1000)
    if found:
        said = _("yes") if expected else _("yes, though %s is off") % "SUPPORTS_BATCH"
        return Finding(what=WHAT, state=State.YES, said=said, ms=ms)
    said = _("no, though %s is on") % "SUPPORTS_BATCH" if expected else _("no")
    return Finding(what=WHAT, state=State.NO, said=said, wrong=expected, ms=ms)

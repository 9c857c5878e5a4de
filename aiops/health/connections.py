"""Whether each connection can be asked, and can do what the settings say."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from aiops.gateway.connections import Connection
from aiops.health.batches import look_for_batches
from aiops.health.findings import Report
from aiops.health.listed import look
from aiops.health.questions import ask
from aiops.stops.switch import require_going

MOST_SECONDS = 30.0
"""For each question: somebody waits for all of them."""


def check_connection(connection: Connection, *, questions: bool = True, by: Any = None) -> Report:
    """Look at one connection.

    Args:
        questions: whether to ask the model too, which costs a little.
        by: the user of the site; None where a command asks.

    Raises:
        Stopped: every call is.
    """
    require_going()
    seconds = min(MOST_SECONDS, connection.deadline)
    findings = list(look(connection, timeout=seconds, today=timezone.localdate()))
    if questions and not any(finding.wrong and finding.what in ("reachable", "key") for finding in findings):
        findings += ask(connection, by=by, timeout=seconds)
        if not any(finding.wrong and finding.what == "answer" for finding in findings):
            findings.append(look_for_batches(connection, timeout=seconds))
    return Report(connection=connection, findings=tuple(findings))

"""What is found out about one connection: a line each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from aiops.gateway.connections import Connection


class State(StrEnum):
    """How a question to a server ended."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Nobody asked, or the answer says nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line."""

    what: str
    """`reachable`, `key`, `models`, `answer`, `stream`, …"""

    state: State
    said: str
    """What was found, for people."""

    wrong: bool = False
    """Whether somebody should do something about it."""

    ms: int | None = None
    """Milliseconds that it took; None where nothing was sent."""

    cost: int | None = None
    """Nano-dollars of the call; None: there was none, or it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One connection."""

    connection: Connection
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether everything works as the settings say."""
        return not any(finding.wrong for finding in self.findings)

    def heading(self) -> str:
        """Which connection it is. Never its key."""
        found = self.connection
        return _("%(label)s (%(address)s, %(api)s)") % {
            "label": found.label,
            "address": found.azure_endpoint or found.base_url,
            "api": found.api,
        }

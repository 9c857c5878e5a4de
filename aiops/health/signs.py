"""What is found out about the whole of it: a sentence each, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from aiops.jobs.models import Heartbeat


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should know."""

    BAD = "bad"
    """It does not work: somebody should do something now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing that was looked at."""

    what: str
    """By what monitoring knows it: `workers`, `queue`, … It never changes."""

    level: Level
    said: str
    """One sentence for people."""

    remedy: str = ""
    """What to do; empty where nothing is to be done."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same as numbers, for machines."""

    page: str = ""
    """Name of the page of the admin with the rows behind it, and what narrows its list: `aiops_job_changelist?…`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All of it, at one moment."""

    signs: Sequence[Sign]
    clusters: Sequence[Heartbeat]

    @property
    def level(self) -> Level:
        """That of the worst sign."""
        levels = {sign.level for sign in self.signs}
        return next(level for level in (Level.BAD, Level.WARN, Level.OK) if level in levels or level is Level.OK)

    def sentence(self) -> str:
        """In a few words."""
        if self.level is Level.OK:
            return _("All is well.")
        of = {level: sum(sign.level is level for sign in self.signs) for level in Level}
        return _("%(bad)s wrong, %(warn)s to know of, %(ok)s well.") % {
            "bad": of[Level.BAD],
            "warn": of[Level.WARN],
            "ok": of[Level.OK],
        }

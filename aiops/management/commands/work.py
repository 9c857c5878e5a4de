"""`manage.py work`: workers for jobs, which are started anew where they stand still."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from aiops.gateway.connections import usable_connections
from aiops.health.cluster import run_cluster
from aiops.health.mailbox import has_mailboxes
from aiops.health.supervisor import Patience, Supervisor
from aiops.management.terminal import TerminalCommand, whole_number
from aiops.options import options as site_options

STALE = 60
"""Seconds of silence after which a cluster is replaced: with all that comes before and after, within two minutes."""

LEEWAY = 30
"""Seconds that the grace period is longer than a slice and the longest call begun in it."""


class Command(TerminalCommand):
    """Parse, run the supervisor."""

    help = (
        "Run the workers of the queue, as django-q2's qcluster does, and watch them: a cluster that ends, or says\n"
        "nothing any more, is killed with all its processes and started anew. SIGTERM or Ctrl-C lets the workers\n"
        "finish their slices; a second one kills them.\n\n"
        "examples:\n"
        "  manage.py work\n"
        "  QUEUE_WORKERS=8 manage.py work\n"
        "  manage.py work --stale 120 --grace 600\n\n"
        "exit codes:\n"
        "  0  it has ended as it was asked to\n"
        "  1  the system checks have found an error: nothing was started"
    )
    requires_system_checks = "__all__"  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        """How long is waited for what."""
        parser.add_argument(
            "--stale",
            type=whole_number(6),
            default=STALE,
            metavar="SECONDS",
            help=f"silence after which the workers are killed and started anew (default: {STALE})",
        )
        parser.add_argument(
            "--grace",
            type=whole_number(1),
            metavar="SECONDS",
            help="from SIGTERM until what is left is killed (default: a slice, the longest DEADLINE, half a minute)",
        )
        parser.add_argument("--inside-of", type=int, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until somebody asks for the end."""
        if options["inside_of"] is not None:
            run_cluster(options["inside_of"], grace=options["grace"])
            return
        stale = float(options["stale"])
        if not has_mailboxes():
            self.stderr.write(_("The queue is in no database (aiops.W007): the workers are started, but not watched."))
            stale = float("inf")
        grace = options["grace"] or _grace()
        Supervisor(_command(options, grace), Patience(stale=stale, grace=grace), environment=os.environ).run()


def _grace() -> int:
    usable, _wrong = usable_connections()
    longest = max((connection.deadline for connection in usable.values()), default=0.0)
    return site_options().slice_seconds + math.ceil(longest) + LEEWAY


def _command(options: dict[str, Any], grace: int) -> list[str]:
    """The same program again, from the inside. Settings are in the environment by now."""
    program = Path(sys.argv[0])
    start = ["-m", "django"] if program.name == "__main__.py" else [str(program)]
    path = ["--pythonpath", options["pythonpath"]] if options.get("pythonpath") else []
    inside = ["--inside-of", str(os.getpid()), "--grace", str(grace)]
    return [sys.executable, *start, "work", "--skip-checks", *inside, *path]

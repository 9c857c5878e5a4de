"""Named places in the code at which a test may end the process, or let it stand still.

A crash may come anywhere; what it must never cost is said in docs/explanation/jobs.md. `tests/chaos` kills real
processes at these places, and looks afterwards. In a site they do nothing: nobody sets `reached`, and no setting can.
"""

from __future__ import annotations

from collections.abc import Callable

reached: Callable[[str], None] | None = None
"""Told each name as it is come by; set by the process of a test before it begins to work."""


def failpoint(name: str) -> None:
    """The process is at the place of this name, such as `window.committed`.

    Args:
        name: room or step, then what has just been done there. One place, one name.
    """
    if reached is not None:
        reached(name)

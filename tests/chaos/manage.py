"""`manage.py` of the chaos: its processes can be aimed at, say what they are, and may have a fault planted in them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


def main() -> None:
    """As Django's own, with the switches on."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.chaos.settings")
    from django.core.management import execute_from_command_line

    from aiops import failpoints
    from tests.chaos.aim import FOLDER_VARIABLE, Target
    from tests.chaos.plants import plant

    folder = Path(os.environ[FOLDER_VARIABLE])
    failpoints.reached = Target(folder).come_by
    say_what_they_are(folder)
    plant(os.environ.get("CHAOS_PLANT", ""))
    execute_from_command_line(sys.argv)


def say_what_they_are(folder: Path) -> None:
    """Have the sentinel leave a file for each process that it starts: they are all called the same."""
    import django

    django.setup()
    from django_q.cluster import Sentinel

    spawn = Sentinel.spawn_process

    def spawn_and_say(self: Any, target: Any, *arguments: Any) -> Any:
        process = spawn(self, target, *arguments)
        (folder / f"role-{process.pid}").write_text(target.__name__)
        (folder / f"role-{os.getpid()}").write_text("sentinel")
        return process

    Sentinel.spawn_process = spawn_and_say


if __name__ == "__main__":
    main()

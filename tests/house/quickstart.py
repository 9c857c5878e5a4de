"""What the quickstart tells people to write, file by file, so that tests write the same."""

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs/quickstart.md"


def blocks() -> dict[str, list[str]]:
    """Path in the site → what goes into it, in the order of the page. The first line of each block names its file."""
    found: dict[str, list[str]] = {}
    for name, text in re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        found.setdefault(name, []).append(text)
    return found


APPS_AND_SETTINGS, SQLITE = blocks()["shop/settings.py"]
[URLS] = blocks()["shop/urls.py"]

"""The pages of the cookbook, and what stands on them as modules."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "docs" / "cookbook"
NAMES = sorted(page.stem for page in FOLDER.glob("*.md") if page.stem != "README")


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def recipe(name: str) -> ModuleType:
    """The code of a page, run as a module; settings are no part of it."""
    blocks = re.findall(r"```python\n(.*?)```", text_of(name), re.DOTALL)
    (code,) = [block for block in blocks if not block.startswith("AIOPS = ")]
    module = ModuleType(f"recipe_{name.replace('-', '_')}")
    # A class looks there for what its annotations mean.
    sys.modules[module.__name__] = module
    exec(compile(code, f"docs/cookbook/{name}.md", "exec"), module.__dict__)
    return module

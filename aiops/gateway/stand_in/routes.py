"""Which address asks for what. A provider, Azure and a proxy put different things before the same names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from aiops.gateway.stand_in.operation import Operation

# `/v1/…`, `/…`, `/openai/v1/…` and whatever a proxy has; Azure's older form, where a deployment may be called anything.
_PREFIX = r"^(?:/openai/deployments/[^/]+|.*?)/"


class Routes:
    """The addresses of one server."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        """
        Args:
            operations: by their name in a path, as in `chat/completions`.
        """
        self._table = operations
        names = "|".join(re.escape(name) for name in self._table)
        self._pattern = re.compile(f"{_PREFIX}({names})(/.*)?$")
        self._parted = lru_cache(maxsize=1024)(self._part)

    def find(self, method: str, path: str) -> Operation | None:
        """What this address asks for; None where it is unknown."""
        name, rest = self._parted(path)
        operation = self._table.get(name)
        return operation if operation is not None and operation.accepts(method, rest) else None

    def _part(self, path: str) -> tuple[str, str]:
        """The name and what follows it."""
        found = self._pattern.match(path)
        return (found[1], found[2] or "") if found else ("", "")

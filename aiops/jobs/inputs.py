"""What of a row counts as input: the variables that a version reads. Rows that give the same are asked the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from prompts.models import PromptVersion


class Inputs:
    """Of one version."""

    def __init__(self, version: PromptVersion) -> None:
        self._read = version.variables | version.optional

    def digest(self, variables: Mapping[str, Any]) -> bytes:
        """16 bytes that are the same for rows of which the version reads the same."""
        # Below these names the order counts: a template that walks through an object shows it.
        read = sorted((name, value) for name, value in variables.items() if name in self._read)
        told = json.dumps(read, default=str).encode("utf-8", "surrogatepass")
        return blake2b(told, digest_size=16).digest()


def kept(digest: bytes) -> int:
    """As much of it as an item keeps: enough to tell a row from what it was before."""
    return int.from_bytes(digest[:8], signed=True)

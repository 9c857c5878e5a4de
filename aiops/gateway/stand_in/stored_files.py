"""Uploaded files, in memory, each until it expires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiops.gateway.stand_in.received import ReceivedFile

LEAST_SECONDS = 3600
MOST_SECONDS = 30 * 86_400
BATCH_SECONDS = 30 * 86_400
"""After which the file of a batch expires where nobody has said otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One of them."""

    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int
    expires_at: int | None

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class StoredFiles:
    """Those of one server."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """
        Args:
            clock: seconds since the epoch.
        """
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._number = 0

    def add(self, uploaded: ReceivedFile, purpose: str, seconds: int | None) -> dict[str, Any]:
        """Keep it for so many seconds; None is for good, but for a batch's. Tells of it as the API does."""
        self._number += 1
        now = int(self._clock())
        if seconds is None and purpose == "batch":
            seconds = BATCH_SECONDS
        file = StoredFile(
            id=f"file-{self._number:024d}",
            filename=uploaded.filename,
            purpose=purpose,
            content=uploaded.content,
            created_at=now,
            expires_at=None if seconds is None else now + seconds,
        )
        self._files[file.id] = file
        return file.told()

    def get(self, file_id: str) -> StoredFile | None:
        """The file; None where there is none, or none any more."""
        file = self._files.get(file_id)
        return file if file is not None and self._lives(file) else None

    def all(self) -> list[StoredFile]:
        """The oldest first."""
        return [file for file in self._files.values() if self._lives(file)]

    def delete(self, file_id: str) -> None:
        """Forget one."""
        self._files.pop(file_id, None)

    def clear(self) -> None:
        """Forget all. Numbers are not used again."""
        self._files.clear()

    def _lives(self, file: StoredFile) -> bool:
        return file.expires_at is None or file.expires_at > self._clock()

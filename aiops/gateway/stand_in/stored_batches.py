"""Batches under way, each gone on with whenever somebody looks at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiops.gateway.stand_in.batch_desk import BatchDesk, BatchFate, BatchFault
from aiops.gateway.stand_in.batch_lines import Answered, LineRefused, answered, not_asked, read_lines, written
from aiops.gateway.stand_in.received import ReceivedFile
from aiops.gateway.stand_in.stored_files import StoredFiles
from aiops.gateway.stand_in.webhooks import Webhook

WINDOW_SECONDS = 86_400
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
EXPIRED = "This request could not be executed before the completion window expired."
CANCELLED = "This request was not executed, since its batch was cancelled."


@dataclass(slots=True, kw_only=True)
class StoredBatch:
    """One of them."""

    id: str
    endpoint: str
    input_file_id: str
    metadata: dict[str, str] | None
    fate: BatchFate
    created_at: int
    status: str = "validating"
    looks: int = 0
    """How often it has been seen in this state."""

    lists: int = 0
    """How often the list was asked for since it is there."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    outputs: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    faults: list[BatchFault] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    total: int = 0
    completed: int = 0
    failed: int = 0

    @property
    def wanted(self) -> int:
        """Lines that are asked before it ends as it is to end."""
        return self.total if self.fate.ends == "completed" else round(self.total * self.fate.done)

    @property
    def names_files(self) -> bool:
        """Whether it is told by now which files it has."""
        return self.looks >= self.fate.files_late

    def forget_lines(self) -> None:
        """They are in its files by then."""
        self.lines, self.outputs, self.errors = [], [], []

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        faults = [{"code": one.code, "message": one.message, "line": one.line, "param": None} for one in self.faults]
        names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": faults} if faults else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id if self.names_files else None,
            "error_file_id": self.error_file_id if self.names_files else None,
            "created_at": self.created_at,
            "expires_at": self.created_at + WINDOW_SECONDS,
            **{f"{name}_at": self.times.get(name) for name in names},
            "request_counts": {
                "total": self.total,
                "completed": self.completed,
                "failed": self.failed,
            }
            if self.fate.tells_counts
            else None,
            "metadata": self.metadata,
        }


class StoredBatches:
    """Those of one server."""

    def __init__(self, desk: BatchDesk, files: StoredFiles, clock: Callable[[], float]) -> None:
        self.ask: Answered = _nobody
        """Set by the provider, which knows how requests are answered."""
        self._desk = desk
        self._files = files
        self._clock = clock
        self._batches: dict[str, StoredBatch] = {}
        self._number = 0

    def add(self, body: Mapping[str, Any]) -> StoredBatch:
        """Begin one."""
        self._number += 1
        batch = StoredBatch(
            id=f"batch_{self._number:024d}",
            endpoint=body["endpoint"],
            input_file_id=body["input_file_id"],
            metadata=dict(body["metadata"]) if body.get("metadata") else None,
            fate=self._desk.next_fate(),
            created_at=int(self._clock()),
        )
        self._batches[batch.id] = batch
        return batch

    def get(self, batch_id: str) -> StoredBatch | None:
        """One, as it is; None where there is none."""
        return self._batches.get(batch_id)

    def listed(self) -> list[StoredBatch]:
        """Those that stand in the list by now, the newest first."""
        batches = list(self._batches.values())
        for batch in batches:
            batch.lists += 1
        return [batch for batch in reversed(batches) if batch.lists > batch.fate.unlisted]

    def clear(self) -> None:
        """Forget all. Numbers are not used again."""
        self._batches.clear()

    def cancel(self, batch: StoredBatch) -> None:
        """Ask no further line."""
        if batch.status not in ENDED and batch.status != "cancelling":
            if not batch.lines:
                self._validate(batch)
            if batch.status not in ENDED:
                # What was asked by then is kept, and billed.
                self._ask_up_to(batch, round(len(batch.lines) * min(1.0, batch.fate.done)))
                self._become(batch, "cancelling")

    def look(self, batch: StoredBatch) -> StoredBatch:
        """Let it go on, and see it as it is then."""
        was_over = batch.status in ENDED
        while batch.status not in ENDED:
            if batch.looks < batch.fate.stays:
                batch.looks += 1
                break
            if not self._go_on(batch):
                break
        else:
            batch.looks += was_over
        return batch

    def _go_on(self, batch: StoredBatch) -> bool:
        """One step. Returns whether another one may be taken at once."""
        if batch.status == "validating":
            self._validate(batch)
        elif batch.status == "in_progress":
            if batch.asked < batch.wanted:
                self._ask_up_to(batch, min(batch.wanted, batch.asked + (batch.fate.lines_a_look or batch.wanted)))
                return batch.fate.lines_a_look is None
            self._become(batch, "finalizing")
        elif batch.status == "finalizing":
            self._end(batch, batch.fate.ends, "batch_expired", EXPIRED)
        else:
            self._end(batch, "cancelled", "batch_cancelled", CANCELLED)
        return True

    def _validate(self, batch: StoredBatch) -> None:
        file = self._files.get(batch.input_file_id)
        content = file.content if file else b""
        try:
            limits = {"most_lines": self._desk.most_lines, "most_bytes": self._desk.most_bytes}
            lines = read_lines(content, endpoint=batch.endpoint, **limits)
        except LineRefused as refused:
            batch.faults.append(refused.fault)
            self._become(batch, "failed")
            return
        if batch.fate.ends == "failed":
            batch.faults.extend(batch.fate.faults)
            self._become(batch, "failed")
            return
        batch.lines, batch.total = lines, len(lines)
        self._become(batch, "in_progress")

    def _ask_up_to(self, batch: StoredBatch, count: int) -> None:
        for number in range(batch.asked, count):
            told = answered(batch.lines[number], self.ask)
            good = told["response"]["status_code"] == 200
            batch.completed += good
            batch.failed += not good
            if not (good and _is_among(number, batch.fate.left_out)):
                (batch.outputs if good else batch.errors).append(told)
        batch.asked = max(batch.asked, count)

    def _end(self, batch: StoredBatch, status: str, code: str, message: str) -> None:
        if batch.fate.tells_expired:
            batch.errors += [not_asked(line, code, message) for line in batch.lines[batch.asked :]]
        if batch.outputs:
            batch.output_file_id = self._file(batch, "output", batch.outputs)
        if batch.errors:
            batch.error_file_id = self._file(batch, "error", batch.errors)
        batch.forget_lines()
        self._become(batch, status)

    def _file(self, batch: StoredBatch, what: str, told: list[dict[str, Any]]) -> str:
        content = written(told, seed=batch.id)
        name = f"{batch.id}_{what}.jsonl"
        kept = ReceivedFile(
            name="file", filename=name, content_type="application/jsonl", size=len(content), start=b"", content=content
        )
        return str(self._files.add(kept, "batch_output", None)["id"])

    def _become(self, batch: StoredBatch, status: str) -> None:
        batch.status, batch.looks = status, 0
        batch.times[status] = int(self._clock())
        if status in ENDED and self._desk.webhook is not None:
            # In a thread: whoever made it go on waits for an answer, and may be the one who is told.
            threading.Thread(target=_tell, args=(self._desk.webhook, status, batch.id), daemon=True).start()


def _is_among(number: int, share: float) -> bool:
    """Whether a line is one of those, spread evenly."""
    return int((number + 1) * share) > int(number * share)


def _tell(webhook: Webhook, status: str, batch_id: str) -> None:
    # As with any webhook: where nobody is there, it is not said, and whoever asks finds out.
    with suppress(OSError):
        webhook.tell(f"batch.{status}", batch_id)


def _nobody(url: str, body: Mapping[str, Any]) -> tuple[int, bytes, str]:
    raise LookupError(f"Nobody answers {url}.")

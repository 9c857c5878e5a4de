"""The lines of a batch: its file read and judged, and one line answered as a request would be."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiops.gateway.stand_in.batch_desk import BatchFault

Answered = Callable[[str, Mapping[str, Any]], tuple[int, bytes, str]]
"""Asks a model: from an address and a body to a status, a body and the id of the request."""


class LineRefused(Exception):
    """A file that no batch is made of."""

    def __init__(self, fault: BatchFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_lines(content: bytes, *, endpoint: str, most_lines: int, most_bytes: int) -> list[dict[str, Any]]:
    """The lines of a file.

    Raises:
        LineRefused: it is none of a batch; says why as a provider would.
    """
    if len(content) > most_bytes:
        raise _refused("file_too_large", f"The file is larger than {most_bytes} bytes.")
    lines: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(filter(None, content.split(b"\n")), start=1):
        if number > most_lines:
            raise _refused("too_many_tasks", f"The batch has more than {most_lines} requests.")
        line = _read(raw, number)
        _see_that_it_fits(line, number, endpoint, lines)
        if line["custom_id"] in seen:
            raise _refused("duplicate_custom_id", f"The custom_id {line['custom_id']} is there twice.", number)
        seen.add(line["custom_id"])
        lines.append(line)
    if not lines:
        raise _refused("empty_file", "The input file is empty.")
    return lines


def answered(line: Mapping[str, Any], ask: Answered) -> dict[str, Any]:
    """What is told of a line that was asked."""
    status, body, request_id = ask(line["url"], line["body"])
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        told = body.decode(errors="replace")
    response = {"status_code": status, "request_id": request_id, "body": told}
    return _told(line, response=response)


def not_asked(line: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    """What is told of a line that never was."""
    return _told(line, error={"code": code, "message": message})


def written(told: Sequence[Mapping[str, Any]], *, seed: str) -> bytes:
    """A file of results. Their order is nobody's."""
    mixed = list(told)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - it must be the same every time.
    return b"".join(json.dumps(one, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n" for one in mixed)


def _told(line: Mapping[str, Any], *, response: Any = None, error: Any = None) -> dict[str, Any]:
    return {
        "id": f"batch_req_{line['custom_id']}",
        "custom_id": line["custom_id"],
        "response": response,
        "error": error,
    }


def _read(raw: bytes, number: int) -> dict[str, Any]:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise _refused("invalid_json_line", "This line is not parseable as valid JSON.", number)
    return line


def _see_that_it_fits(line: Mapping[str, Any], number: int, endpoint: str, before: Sequence[Mapping[str, Any]]) -> None:
    if not isinstance(line.get("custom_id"), str) or not isinstance(line.get("body"), dict):
        raise _refused("missing_required_parameter", "A line needs a custom_id and a body.", number)
    if line.get("method") != "POST":
        raise _refused("invalid_method", "The method must be POST.", number)
    if line.get("url") != endpoint:
        raise _refused("mismatched_endpoint", f"The url of the line is not that of the batch, {endpoint}.", number)
    if before and line["body"].get("model") != before[0]["body"].get("model"):
        raise _refused("mismatched_model", "All requests of a batch must be to one model.", number)


def _refused(code: str, message: str, line: int | None = None) -> LineRefused:
    return LineRefused(BatchFault(code=code, message=message, line=line))

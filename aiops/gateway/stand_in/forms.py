"""Forms with files in them."""

from __future__ import annotations

from email.message import Message
from email.parser import HeaderParser
from typing import Any

from aiops.gateway.stand_in.received import ReceivedFile

START = 256
"""Bytes of each file that are kept in any case."""


def parsed_form(content_type: str, raw: bytes, *, keep: bool) -> tuple[dict[str, Any], list[ReceivedFile]]:
    """The fields, those in brackets nested as they say, and the files.

    Args:
        keep: the files' contents too, not only how they begin and how large they are.

    Raises:
        ValueError: it is no form.
    """
    boundary = _boundary_of(content_type)
    first, *parts = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if first or not parts or not parts.pop().startswith(b"--"):
        raise ValueError("A form begins and ends with its boundary.")
    fields: dict[str, Any] = {}
    files = []
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.decode(errors="replace").lstrip("\r\n"))
        name = str(headers.get_param("name", "", header="content-disposition"))
        filename = headers.get_filename()
        if filename is None:
            _put(fields, name, content.decode(errors="replace"))
        else:
            files.append(
                ReceivedFile(
                    name=name,
                    filename=filename,
                    content_type=headers.get("content-type", "application/octet-stream"),
                    size=len(content),
                    start=content[:START],
                    content=content if keep else b"",
                )
            )
    return fields, files


def _boundary_of(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not boundary:
        raise ValueError("The form does not say what its boundary is.")
    return str(boundary).encode()


def _put(fields: dict[str, Any], name: str, value: str) -> None:
    """`a` is a text, `a[]` one of a list, `a[b]` one of an object."""
    outer, bracket, inner = name.partition("[")
    inner = inner.rstrip("]")
    if not bracket:
        fields[outer] = value
    elif inner:
        fields.setdefault(outer, {})[inner] = value
    else:
        fields.setdefault(outer, []).append(value)

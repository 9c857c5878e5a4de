"""Images for a question, however the shop has them: as the part of a message.

What is fetched is fetched by the provider, and only from hosts that the settings name: an address may come from a
customer, and leads wherever the customer likes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from django.core.files.base import File

from aiops.files.models import UploadedFile
from aiops.options import options

Detail = Literal["low", "high", "auto", "original"]
DETAILS = ("low", "high", "auto", "original")

MOST_BYTES = 20 * 1024 * 1024
"""Of one image; what OpenAI takes is more, what is useful is less."""

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""How a file begins → what it is. WebP has its name further in."""

_DATA = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
_FILE_ID = re.compile(r"file-[\w-]+")

Source: TypeAlias = "bytes | str | PathLike[str] | File[Any] | UploadedFile"


@dataclass(frozen=True, slots=True)
class Image:
    """One image with a detail of its own."""

    source: Source
    detail: Detail = "auto"


def parts_of(images: Any, detail: Detail) -> list[dict[str, Any]]:
    """Parts of a message, one an image.

    Args:
        images: one or several of: bytes, base64, a data URI, a path, a Django file, an uploaded file or its id,
            an https address; or an `Image`, or a pair of one of these and its detail.
        detail: for those that have none of their own.

    Raises:
        ValueError: one is no image, or may not be looked at; nothing was sent.
    """
    several = isinstance(images, Iterable) and not isinstance(images, bytes | str | bytearray | memoryview | File)
    found = list(images) if several and not _is_pair(images) else [images]
    if not found:
        raise ValueError("There is no image: give at least one.")
    return [_part(image, detail, number) for number, image in enumerate(found, start=1)]


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and value[1] in DETAILS


def _part(image: Any, detail: str, number: int) -> dict[str, Any]:
    if isinstance(image, Image):
        image, detail = image.source, image.detail
    elif _is_pair(image):
        image, detail = image
    if detail not in DETAILS:
        raise ValueError(f"The detail of image {number} is {detail!r}: use {', '.join(DETAILS)}.")
    try:
        source = _source(image)
    except OSError as error:
        raise ValueError(f"Image {number} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ValueError(f"Image {number} {error}") from error
    return {"type": "image_url", "image_url": {**source, "detail": detail}}


def _source(image: Any) -> dict[str, str]:
    if isinstance(image, bytes | bytearray | memoryview):
        return {"url": _data_uri(bytes(image))}
    if isinstance(image, File):
        with image.open("rb") as file:
            return {"url": _data_uri(file.read(MOST_BYTES + 1))}
    if isinstance(image, UploadedFile):
        if image.state != UploadedFile.State.THERE:
            raise ValueError(f"is an uploaded file that is {image.state}: upload it again.")
        return {"file_id": image.provider_id}
    if isinstance(image, PathLike):
        return {"url": _data_uri(_read(Path(image)))}
    if not isinstance(image, str):
        raise ValueError(f"is of type {type(image).__name__}: give bytes, base64, a path, a file or an address.")
    if _FILE_ID.fullmatch(image):
        return {"file_id": image}
    if _DATA.match(image):
        return {"url": _data_uri(_decoded(image.partition(",")[2]))}
    if re.match(r"[a-z][a-z0-9+.-]*://|data:", image, re.IGNORECASE):
        return {"url": _allowed(image)}
    if len(image) < 1024 and (path := Path(image)).suffix and path.is_file():
        return {"url": _data_uri(_read(path))}
    return {"url": _data_uri(_decoded(image))}


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is neither a file that is there nor base64.") from None


def _data_uri(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MiB: make it smaller.")
    return f"data:{_kind(data)};base64,{base64.b64encode(data).decode()}"


def _kind(data: bytes) -> str:
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise ValueError("is no PNG, JPEG, GIF or WebP.")


def _allowed(address: str) -> str:
    hosts: Sequence[str] = options().image_hosts
    try:
        url = urlsplit(address)
        host, port = (url.hostname or "").lower().rstrip("."), url.port
    except ValueError:
        raise ValueError("has an address that is none.") from None
    if url.scheme != "https" or url.username or url.password or port not in (None, 443):
        raise ValueError("has an address that is not plain https: give the bytes of the image instead.")
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in hosts):
        raise ValueError(
            f"lies at {host}, which AIOPS['IMAGE_HOSTS'] does not name: add it there, or give the bytes of the image."
        )
    return address

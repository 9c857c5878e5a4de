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
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from aiops.client.contents import bytes_at, bytes_of_file, is_file
from aiops.files.models import UploadedFile
from aiops.options import options

if TYPE_CHECKING:
    from django.core.files.base import File

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

_DATA = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
_FILE_ID = re.compile(r"file-[\w-]+")

_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
# Parsers differ over these: what one takes for a part of the host, another takes for its end.
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x20\x7f]")

Source: TypeAlias = "bytes | str | PathLike[str] | IO[bytes] | File[Any] | UploadedFile"


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
    several = isinstance(images, Iterable) and not isinstance(images, bytes | str | bytearray | memoryview)
    found = list(images) if several and not is_file(images) and not _is_pair(images) else [images]
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
    if is_file(image):
        return {"url": _data_uri(bytes_of_file(image, most=MOST_BYTES))}
    if isinstance(image, UploadedFile):
        if image.state != UploadedFile.State.THERE:
            raise ValueError(f"is an uploaded file that is {image.state}: upload it again.")
        return {"file_id": image.provider_id}
    if isinstance(image, PathLike):
        return {"url": _data_uri(bytes_at(image, most=MOST_BYTES))}
    if not isinstance(image, str):
        raise ValueError(f"is of type {type(image).__name__}: give bytes, base64, a path, a file or an address.")
    if _FILE_ID.fullmatch(image):
        return {"file_id": image}
    if _DATA.match(image):
        return {"url": _data_uri(_decoded(image.partition(",")[2]))}
    if image[:5].lower() == "data:":
        raise ValueError("is a data URI without base64: give the bytes of the image.")
    if re.match(r"\s*[a-z][a-z0-9+.-]*:[/\\]", image, re.IGNORECASE):
        return {"url": _allowed(image)}
    if len(image) < 1024 and Path(image).suffix and Path(image).exists():
        return {"url": _data_uri(bytes_at(image, most=MOST_BYTES))}
    return {"url": _data_uri(_decoded(image))}


def _decoded(text: str) -> bytes:
    if len(text) > MOST_BYTES * 2:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MiB: make it smaller.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is neither a file that is there nor base64.") from None


def _data_uri(data: bytes) -> str:
    if not data:
        raise ValueError("is empty.")
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
    hosts: Sequence[str] = [name.lower() for name in options().image_hosts]
    try:
        url = urlsplit(address)
        host, port = (url.hostname or "").removesuffix("."), url.port
    except ValueError:
        raise ValueError("has an address that is none.") from None
    if _AMBIGUOUS.search(address) or not _HOST.fullmatch(host):
        raise ValueError("has an address that is none.")
    if url.scheme != "https" or "@" in url.netloc or port not in (None, 443):
        raise ValueError("has an address that is not plain https: give the bytes of the image instead.")
    if not any(host == name or (name.startswith(".") and host.endswith(name)) for name in hosts):
        raise ValueError(
            f"lies at {host}, which AIOPS['IMAGE_HOSTS'] does not name: add it there, or give the bytes of the image."
        )
    return address

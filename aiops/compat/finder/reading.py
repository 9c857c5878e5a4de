"""A file as text, and quickly whether it is worth parsing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from pathlib import Path

from django.utils.translation import gettext as _

from aiops.compat.finder.folders import cannot_open, is_ordinary

LARGEST = 4_000_000
"""Bytes: people write no longer files, and a generated one takes a minute."""

WORDS = (
    b"openai",
    b"completions",
    b"litellm",
    b"init_chat_model",
    b"```json",
    b"responses.create",
    b"embeddings.create",
    b"moderations.create",
    b"transcriptions.create",
    b"speech.create",
    b"v1/responses",
    b"v1/embeddings",
    b"v1/moderations",
    b"v1/audio",
    b"v1/images",
)
"""In small letters. Without any of these, and without a key, nothing in a file can be found."""

KEY = re.compile(r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}")
_KEY_BYTES = re.compile(KEY.pattern.encode())


_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+[^\n]*?import[ \t]*\([^)]*\)|(?:from|import)[ \t][^\n]*)", re.MULTILINE)


class CannotRead(Exception):
    """`str(error)` is the end of a sentence that begins with the path."""


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        CannotRead: it is no ordinary file, too large, or not to be opened.
    """
    try:
        if not is_ordinary(path):
            raise CannotRead(_("is no ordinary file"))
        if path.stat().st_size > LARGEST:
            raise CannotRead(_("is larger than %(mb)d MB") % {"mb": LARGEST // 1_000_000})
        return path.read_bytes()
    except OSError as error:
        raise CannotRead(cannot_open(error)) from error


def has_words(data: bytes) -> bool:
    """Whether something may be found in it."""
    small = data.lower()
    return any(word in small for word in WORDS) or (b"sk-" in data and _KEY_BYTES.search(data) is not None)


def words_of_imports(data: bytes) -> frozenset[bytes]:
    """Every word in its imports, and a dot where one of them is relative."""
    statements = _IMPORT.findall(data)
    words = {word for statement in statements for word in re.findall(rb"\w+", statement)}
    is_relative = any(statement.lstrip().startswith(b"from .") for statement in statements)
    return frozenset(words | ({b"."} if is_relative else set()))


def decode(data: bytes) -> str:
    """The text, by what the file says of its encoding, with ends of lines as Python counts them.

    Raises:
        CannotRead: it is not in that encoding, or nobody knows that encoding.
    """
    try:
        encoding, _lines = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise CannotRead(_("names no known encoding")) from error
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise CannotRead(_("is not in the encoding %(name)s") % {"name": encoding}) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str) -> ast.Module:
    """The syntax tree. Nothing is run.

    Raises:
        CannotRead: it is no Python of the version that runs this.
    """
    try:
        with warnings.catch_warnings():
            # A backslash too many in the shop's code is not what was asked about.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise CannotRead(_("is no valid Python: line %(line)d") % {"line": error.lineno or 0}) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise CannotRead(_("cannot be parsed")) from error

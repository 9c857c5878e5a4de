"""Messages with images in them, and the line that asks about these."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from aiops.compat.finder.lines import FILL_IN, Argument, asked, source
from aiops.compat.finder.scopes import Module


def shows_images(messages: ast.expr | None) -> bool:
    """Whether images are written out in the messages."""
    return messages is not None and "image_url" in {
        node.value for node in ast.walk(messages) if isinstance(node, ast.Constant)
    }


def about_images(messages: ast.expr, given: Sequence[Argument], module: Module, is_async: bool) -> str:
    """`create_with_vision(…)`: from one message of the user, with `…` for what is not written out there."""
    texts, images, details = [], [], []
    for part in _parts(messages):
        entries = _entries(part)
        kind = entries.get("type")
        if isinstance(kind, ast.Constant) and kind.value == "text" and "text" in entries:
            texts.append(source(entries["text"], module))
        elif "image_url" in entries:
            image = _entries(entries["image_url"])
            images.append(source(image.get("url", entries["image_url"]), module))
            if "detail" in image:
                details.append(source(image["detail"], module))
    rest = [arg for arg in given if arg.name not in {"messages", None}]
    line = [
        Argument(None, texts[0] if len(texts) == 1 else FILL_IN),
        Argument(None, f"[{', '.join(images) or FILL_IN}]"),
        *(Argument("detail", detail) for detail in sorted(set(details))[:1]),
        *rest,
    ]
    return asked("create_with_vision", line, is_async)


def _parts(messages: ast.expr) -> Iterator[ast.expr]:
    """The parts of the content of every message."""
    for message in messages.elts if isinstance(messages, ast.List | ast.Tuple) else ():
        content = _entries(message).get("content")
        yield from content.elts if isinstance(content, ast.List | ast.Tuple) else ()


def _entries(node: ast.expr) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        return {}
    pairs = zip(node.keys, node.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}

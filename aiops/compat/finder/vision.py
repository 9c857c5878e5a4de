"""Messages with images in them, and the line that asks about these."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from aiops.compat.finder.lines import FILL_IN, Argument, asked, source
from aiops.compat.finder.places import Here


def shows_images(here: Here) -> bool:
    """Whether images are written out in the messages of a call, or in a list that they name."""
    messages = here.keyword("messages")
    nodes = [messages, *_parts(messages, here)] if messages is not None else []
    return any(isinstance(node, ast.Constant) and node.value == "image_url" for one in nodes for node in ast.walk(one))


def about_images(here: Here, given: Sequence[Argument], is_async: bool) -> str:
    """`create_with_vision(…)`: from one message of the user, with `…` for what is not written out there."""
    texts, images, details = [], [], []
    messages = here.keyword("messages")
    for part in _parts(messages, here) if messages is not None else ():
        entries = _entries(part)
        kind = entries.get("type")
        if isinstance(kind, ast.Constant) and kind.value == "text" and "text" in entries:
            texts.append(source(entries["text"], here.module))
        elif "image_url" in entries:
            image = _entries(entries["image_url"])
            images.append(source(image.get("url", entries["image_url"]), here.module))
            if "detail" in image:
                details.append(source(image["detail"], here.module))
    line = [
        Argument(None, texts[0] if len(texts) == 1 else FILL_IN),
        Argument(None, f"[{', '.join(images) or FILL_IN}]"),
        *(Argument("detail", detail) for detail in sorted(set(details))[:1]),
        *(arg for arg in given if arg.name not in {"messages", None}),
    ]
    return asked("create_with_vision", line, is_async)


def _parts(messages: ast.expr, here: Here) -> Iterator[ast.expr]:
    """The parts of the content of every message."""
    for message in _elements(messages, here):
        content = _entries(message).get("content")
        if content is not None:
            yield from _elements(content, here)


def _elements(node: ast.expr, here: Here) -> Sequence[ast.expr]:
    """The elements of a list that is written out, here or where its name is bound in this file."""
    if isinstance(node, ast.Name):
        bindings = [one for one in here.meanings.bindings(node.id, here.scope) if one.scope.module is here.module]
        lists = (one.node for one in bindings if one.how == "value" and isinstance(one.node, ast.List))
        node = next(lists, node)
    return node.elts if isinstance(node, ast.List | ast.Tuple) else ()


def _entries(node: ast.expr) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        return {}
    pairs = zip(node.keys, node.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}

"""Following `$ref` through a schema."""

from __future__ import annotations

from typing import Any

LEVELS = 10
"""Most levels of objects and arrays inside one another."""


def too_deep(root: dict[str, Any]) -> str | None:
    """The path of something more than `LEVELS` levels deep, references followed; None where there is nothing."""
    seen: set[tuple[str, int]] = set()

    def search(schema: dict[str, Any], path: str, level: int) -> str | None:
        if level > LEVELS:
            return path
        ref = schema.get("$ref")
        if ref is not None:
            if (ref, level) in seen:
                return None
            seen.add((ref, level))
            return search(definition(root, ref) or {}, path, level)
        inner = [(each, f"{path}.{name}".lstrip("."), level + 1) for name, each in schema.get("properties", {}).items()]
        inner += [(schema["items"], f"{path}[]", level + 1)] if "items" in schema else []
        inner += [(each, path, level) for each in schema.get("anyOf", [])]
        return next((found for each in inner if (found := search(*each)) is not None), None)

    return search(root, "", 0)


def definition(root: dict[str, Any], ref: str) -> dict[str, Any] | None:
    """What `#/$defs/Address` points to; None where it points to nothing, or elsewhere."""
    name = ref.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
    found = root.get("$defs", {}).get(name) if ref.startswith("#/$defs/") else None
    return found if isinstance(found, dict) else None

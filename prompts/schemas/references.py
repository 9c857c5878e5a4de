"""Following `$ref` through a schema. References may go round: a thing may hold things of its own kind."""

from __future__ import annotations

from typing import Any

LEVELS = 10
"""Most levels of objects and arrays inside one another; what goes round counts once."""

WHOLE = "#"


def too_deep(root: dict[str, Any]) -> str | None:
    """The path of something more than `LEVELS` levels deep, references followed; None where there is nothing."""
    seen: set[tuple[str, int]] = set()

    def search(schema: dict[str, Any], path: str, level: int, refs: tuple[str, ...]) -> str | None:
        if level > LEVELS:
            return path
        ref = schema.get("$ref")
        if ref is not None:
            if ref in refs or (ref, level) in seen:
                return None
            seen.add((ref, level))
            return search(definition(root, ref) or {}, path, level, (*refs, ref))
        inner = [(each, f"{path}.{name}".lstrip("."), level + 1) for name, each in schema.get("properties", {}).items()]
        inner += [(schema["items"], f"{path}[]", level + 1)] if "items" in schema else []
        inner += [(each, path, level) for each in schema.get("anyOf", [])]
        return next((found for each in inner if (found := search(*each, refs)) is not None), None)

    return search(root, "", 0, (WHOLE,))


def endless(root: dict[str, Any]) -> str | None:
    """The reference to something that asks for itself again whatever is chosen; None where every answer can end."""
    waiting = {f"#/$defs/{name}": schema for name, schema in root.get("$defs", {}).items()} | {WHOLE: root}
    # By identity: one definition may be referred to in more than one spelling.
    ending: set[int] = set()
    while found := [ref for ref, schema in waiting.items() if _ends(root, schema, ending)]:
        ending |= {id(waiting.pop(ref)) for ref in found}
    return next(iter(waiting), None)


def _ends(root: dict[str, Any], schema: dict[str, Any], ending: set[int]) -> bool:
    """Whether something of this schema can be written down, as far as is known of the references inside it."""
    if "$ref" in schema:
        return id(definition(root, schema["$ref"])) in ending
    if "anyOf" in schema and not any(_ends(root, each, ending) for each in schema["anyOf"]):
        return False
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    return (
        not types
        or not {"object", "array"}.issuperset(types)
        or ("array" in types and (not schema.get("minItems") or _ends(root, schema["items"], ending)))
        or ("object" in types and all(_ends(root, each, ending) for each in schema["properties"].values()))
    )


def definition(root: dict[str, Any], ref: str) -> dict[str, Any] | None:
    """What `#/$defs/Address` points to, or `#`; None where it points to nothing, or elsewhere."""
    if ref == WHOLE:
        return root
    name = ref.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
    found = root.get("$defs", {}).get(name) if ref.startswith("#/$defs/") else None
    return found if isinstance(found, dict) else None

"""What messages read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prompts.rendering.syntax import compiled


def required_variables(messages: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Names that must be given.

    Raises:
        BrokenTemplate, TooLarge: a template cannot be used.
    """
    return frozenset[str]().union(*(compiled(message["content"]).required for message in messages))


def optional_variables(messages: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Names that may be given: read somewhere, and nowhere without `is defined` or `default`.

    Raises:
        BrokenTemplate, TooLarge: a template cannot be used.
    """
    messages = list(messages)
    read = frozenset[str]().union(*(compiled(message["content"]).optional for message in messages))
    return read - required_variables(messages)

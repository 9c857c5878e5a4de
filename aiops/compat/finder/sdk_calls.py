"""Calls of the SDK, clients that are made, and the settings of the module `openai`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from aiops.compat.finder.kinds import (
    ASSISTANTS,
    BEFORE_1_0,
    CHAT,
    CLIENT,
    COMPLETION,
    EMBEDDINGS,
    IMAGES,
    MODERATION,
    RESPONSES,
    STORED_PROMPT,
    STREAM,
    STRUCTURED,
    TRANSCRIPTION,
    VISION,
    Kind,
)
from aiops.compat.finder.lines import Argument, arguments_of, client_expression, line_for, structured
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.scopes import Module
from aiops.compat.finder.sdk import CLIENTS, Use, unmistakable, use_of
from aiops.compat.finder.vision import about_images, shows_images

SETTINGS = {
    *("api_key", "api_base", "api_type", "api_version", "azure_endpoint", "base_url", "organization", "project"),
    *("max_retries", "timeout", "default_headers", "http_client", "proxy", "requestssession", "aiosession"),
}
"""What is assigned to the module `openai` itself."""

SINCE_1_0 = {
    "ChatCompletion": CHAT,
    "Completion": COMPLETION,
    "Embedding": EMBEDDINGS,
    "Moderation": MODERATION,
    "Audio": TRANSCRIPTION,
    "Image": IMAGES,
}
"""What a class of the SDK before 1.0 asked."""

MAY_STREAM = _("stream(messages) where it streams, chat_completion(messages) where it does not.")
HANDED_ON = _("Hand our method on in its place.")


def call_of_sdk(here: Here) -> Place | None:
    """A call that asks OpenAI by the SDK."""
    use = _use(here)
    if use is None:
        return None
    what = use.resource if use.client == "?" else f"{use.full_resource} of {use.client}"
    kind, line = _kind_and_line(use, here)
    return Place(
        node=here.call,
        kind=kind,
        what=f"openai.{use.resource}" if kind is BEFORE_1_0 else what,
        replacement=as_awaited(line, here),
        advice=MAY_STREAM if kind is CHAT and not line else None,
    )


def _kind_and_line(use: Use, here: Here) -> tuple[Kind, str]:
    given = arguments_of(here.call, here.module)
    if use.kind is ASSISTANTS:
        return ASSISTANTS, ""
    if use.kind is BEFORE_1_0:
        return BEFORE_1_0, _since_1_0(use, given)
    if here.keyword("response_model") is not None:
        # Instructor's name for it.
        named = [Argument("response_format", arg.text) if arg.name == "response_model" else arg for arg in given]
        return STRUCTURED, structured(named, use.is_async)
    if use.kind is CHAT and not use.is_raw and shows_images(here):
        return VISION, about_images(here, given, use.is_async)
    line = line_for(use, given)
    return (STREAM if use.kind is CHAT and ".stream(" in line else use.kind), line


def as_awaited(line: str, here: Here) -> str:
    """The line with `await` only where the call had it: `asyncio.gather` takes it without.

    What was entered by `async with` and has a method of its own is only awaited; through `sdk` it is entered as before.
    """
    waits = here.is_awaited or (here.is_entered and ".sdk." not in line)
    return line if waits else line.removeprefix("await ")


def _use(here: Here) -> Use | None:
    use = use_of(here.path) or unmistakable(here.call, here.path)
    if use is None or use.client in CLIENTS:
        return use
    # Of a client that nobody knows only this says whether it is asynchronous.
    is_async = use.is_async or here.is_awaited or here.is_entered
    return Use(kind=use.kind, client=use.client, resource=use.resource, is_async=is_async, is_raw=use.is_raw)


def stored_prompt(here: Here) -> Place | None:
    """A call of the Responses API with a prompt that OpenAI keeps."""
    use = _use(here)
    if use is None or use.kind is not RESPONSES or here.keyword("prompt") is None:
        return None
    return Place(node=here.call, kind=STORED_PROMPT, what=f"{use.resource}(prompt=…)")


def client_made(here: Here) -> Place | None:
    """A client of the SDK."""
    if here.path not in CLIENTS:
        return None
    is_async = CLIENTS[here.path]
    return Place(node=here.call, kind=CLIENT, what=here.path, replacement=client_expression(is_async))


def handed_on(node: ast.Attribute, module: Module, meanings: Meanings) -> Place | None:
    """A method of the SDK given to something that calls it later, such as `asyncio.to_thread`."""
    parent = module.parents.get(node)
    if not isinstance(parent, ast.Call | ast.keyword) or (isinstance(parent, ast.Call) and parent.func is node):
        return None
    use = use_of(meanings.path(node, module.scopes[node]))
    if use is None or not use.resource.endswith((".create", ".parse", ".stream", ".acreate")):
        return None
    line = line_for(use, []).removeprefix("await ").removesuffix("()")
    is_ours = use.kind not in (ASSISTANTS, BEFORE_1_0) and "…" not in line
    return Place(
        node=node,
        kind=use.kind,
        what=f"{use.resource} of {use.client}, handed on",
        replacement=line if is_ours else "",
        advice=HANDED_ON if is_ours else None,
    )


def settings_of_module(node: ast.Assign, module: Module, meanings: Meanings) -> Iterator[Place]:
    """`openai.api_key = …` and the like."""
    for target in node.targets:
        if (
            isinstance(target, ast.Attribute)
            and target.attr in SETTINGS
            and meanings.path(target.value, module.scopes[node]) == "openai"
        ):
            yield Place(node=node, kind=CLIENT, what=f"openai.{target.attr} = …")


def _since_1_0(use: Use, given: list[Argument]) -> str:
    thing, _dot, method = use.resource.partition(".")
    kind = SINCE_1_0.get(thing)
    if kind is None or method.removeprefix("a") not in {"create", "transcribe"}:
        return ""
    if method.endswith("transcribe"):
        # Its first argument was the model, its second the file.
        names = iter(("model", "file"))
        given = [Argument(next(names, None), arg.text) if arg.name is None else arg for arg in given]
    # Only images have no method of their own.
    return line_for(Use(kind=kind, client=use.client, resource="images.generate", is_async=use.is_async), given)

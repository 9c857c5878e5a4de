"""The line of code that takes the place of a call, made from its own arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from aiops.compat.finder.kinds import (
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    FILES,
    MODERATION,
    SPEECH,
    STREAM,
    STRUCTURED,
    TRANSCRIPTION,
    Kind,
)
from aiops.compat.finder.reading import KEY
from aiops.compat.finder.scopes import Module
from aiops.compat.finder.sdk import Use

LONGEST = 100
"""Characters of one argument: a whole prompt would hide the rest of the line."""

OF_THE_CONNECTION = {"api_key", "api_base", "api_type", "api_version", "organization", "max_retries"}
"""Arguments that a connection has instead."""

FILL_IN = "…"

NEW_NAMES = {"engine": "model", "deployment_id": "model", "request_timeout": "timeout"}
"""How arguments of the SDK before 1.0 are called today."""

FILE_METHODS = {"create": "upload_file", "content": "download_file", "delete": "delete_file"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as it is written."""

    name: str | None
    """None for one without a name, `**` for a dictionary of them."""

    text: str

    def __str__(self) -> str:
        return self.text if self.name is None else f"**{self.text}" if self.name == "**" else f"{self.name}={self.text}"


def arguments_of(call: ast.Call, module: Module) -> list[Argument]:
    """What a call is given, without what belongs into the connection."""
    given = [Argument(None, source(node, module)) for node in call.args]
    for keyword in call.keywords:
        if keyword.arg is None:
            given.append(Argument("**", source(keyword.value, module)))
        elif keyword.arg not in OF_THE_CONNECTION:
            given.append(Argument(NEW_NAMES.get(keyword.arg, keyword.arg), source(keyword.value, module)))
    return given


def arguments_of_dict(node: ast.Dict, module: Module) -> list[Argument] | None:
    """The entries of a payload as arguments; None where a key is no name."""
    given = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            given.append(Argument("**", source(value, module)))
        elif isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
            given.append(Argument(key.value, source(value, module)))
        else:
            return None
    return given


def line_for(use: Use, given: Sequence[Argument]) -> str:
    """The line; empty where there is none."""
    if use.is_raw:
        return of_sdk(use, given)
    if use.kind is FILES and use.resource.startswith("files."):
        method = FILE_METHODS.get(use.resource.removeprefix("files."))
        return asked(method, _first_moved(given, ("file", "file_id")), use.is_async) if method else of_sdk(use, given)
    if use.kind is CHAT and (streams := _value(given, "stream")) not in {"", "False"}:
        # Only where the code runs is it known whether it streams.
        return chat_stream(given, is_async=use.is_async) if streams == "True" else ""
    maker = MAKERS.get(use.kind)
    return maker(given, use.is_async) if maker else of_sdk(use, given)


def chat(given: Sequence[Argument], is_async: bool) -> str:
    """For `chat.completions.create`."""
    return asked("chat_completion", _first_moved(_without(given, {"stream"}), ("messages",)), is_async)


def chat_stream(given: Sequence[Argument], is_async: bool) -> str:
    """For a stream; what it gives is iterated over, never awaited."""
    rest = _first_moved(_without(given, {"stream", "stream_options"}), ("messages",))
    return f"{client_expression(is_async)}.stream({_joined(rest)})"


def chat_json(given: Sequence[Argument], is_async: bool) -> str:
    """For an answer that is read as JSON afterwards."""
    formatted = _value(given, "response_format")
    plain = {"stream", "response_format"} if "json_object" in formatted else {"stream"}
    return asked("chat_completion_json", _first_moved(_without(given, plain), ("messages",)), is_async)


def structured(given: Sequence[Argument], is_async: bool) -> str:
    """For `parse`: the messages are one prompt, which only a person can make of several."""
    model, schema = _value(given, "model") or FILL_IN, _value(given, "response_format") or FILL_IN
    rest = [arg for arg in given if arg.name in {"temperature", "max_tokens"}]
    function = "await get_structured_completion" if is_async else "async_to_sync(get_structured_completion)"
    return f"{function}({_joined([Argument(None, FILL_IN), Argument(None, model), Argument(None, schema), *rest])})"


def completion(given: Sequence[Argument], is_async: bool) -> str:
    """For a text completion: its prompt becomes a message of the user."""
    prompt = _value(given, "prompt") or FILL_IN
    message = Argument(None, f'[{{"role": "user", "content": {prompt}}}]')
    return asked("chat_completion", [message, *_without(given, {"prompt"})], is_async)


def _moving(method: str, *first: str) -> Callable[[Sequence[Argument], bool], str]:
    return lambda given, is_async: asked(method, _first_moved(given, first), is_async)


MAKERS: dict[Kind, Callable[[Sequence[Argument], bool], str]] = {
    CHAT: chat,
    STREAM: chat_stream,
    STRUCTURED: structured,
    COMPLETION: completion,
    EMBEDDINGS: _moving("embed", "input"),
    TRANSCRIPTION: _moving("transcribe", "file"),
    SPEECH: _moving("speak", "input"),
    MODERATION: _moving("moderate", "input"),
}
"""What is the client's own; everything else goes through `sdk` as it is."""


def of_sdk(use: Use, given: Sequence[Argument]) -> str:
    """The same call by our instrumented client."""
    return asked(f"sdk.{use.full_resource}", given, use.is_async)


def asked(method: str, given: Sequence[Argument], is_async: bool) -> str:
    """A call of a method of our client."""
    return f"{'await ' if is_async else ''}{client_expression(is_async)}.{method}({_joined(given)})"


def client_expression(is_async: bool) -> str:
    """How our client is come by."""
    return "get_async_openai_client()" if is_async else "get_openai_client()"


def source(node: ast.expr, module: Module) -> str:
    """What is written there, on one line and without keys; `…` where it is long."""
    text = _written(node, module) or ast.unparse(node)
    return FILL_IN if len(text) > LONGEST or "\n" in text else KEY.sub(FILL_IN, text)


def _written(node: ast.expr, module: Module) -> str:
    if node.lineno != node.end_lineno or node.end_col_offset is None:
        return ""
    line = module.lines[node.lineno - 1].encode()
    text = line[node.col_offset : node.end_col_offset].decode(errors="replace")
    try:
        read = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    # Before 3.12 nodes inside an f-string say wrongly where they stand.
    return text if ast.dump(read) == ast.dump(node) else ""


def _first_moved(given: Sequence[Argument], names: Collection[str]) -> list[Argument]:
    """The argument of one of these names goes to the front, without its name."""
    first = [Argument(None, arg.text) for arg in given if arg.name in names]
    return [*first, *(arg for arg in given if arg.name not in names)]


def _without(given: Sequence[Argument], names: Collection[str]) -> list[Argument]:
    return [arg for arg in given if arg.name not in names]


def _value(given: Sequence[Argument], name: str) -> str:
    return next((arg.text for arg in given if arg.name == name), "")


def _joined(given: Sequence[Argument]) -> str:
    return ", ".join(map(str, given))

"""Requests that go to OpenAI, or to a server that speaks like it, by an HTTP library."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from aiops.compat.finder.addresses import Address, Texts, address_in
from aiops.compat.finder.kinds import ASSISTANTS, CHAT, CLIENT, HTTP
from aiops.compat.finder.lines import Argument, arguments_of, arguments_of_dict, asked, chat_stream, line_for, source
from aiops.compat.finder.meaning import Reached
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.scopes import Scope
from aiops.compat.finder.sdk import VERBS, Use

LIBRARY = re.compile(r"(?:requests|httpx2?|aiohttp|urllib3|urllib\.request|http\.client|niquests|curl_cffi)\.")
CLIENTS = {"Client", "AsyncClient", "Session", "ClientSession", "HTTPSConnection"}
METHODS = {*VERBS, "urlopen", "Request", "stream", "build_request", "apost", "arequest"}
PATHS = {"url", "base_url", "address", "path"}
DUMPS = {"json.dumps", "orjson.dumps", "ujson.dumps"}

SHOWN = 80
"""Characters of an address."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sent."""

    name: str | None
    """What it is called; None where it is written out in the call itself."""

    arguments: list[Argument] | None
    """Its entries; None where nobody knows them."""


def call_by_http(here: Here) -> Place | None:
    """A request, or a client that is made for one host."""
    method, path = here.method, here.path
    is_client = method in CLIENTS and LIBRARY.match(path) is not None
    if not is_client and method.lstrip("_") not in METHODS:
        return None
    address = _address(here, path)
    if address is None:
        return None
    name = path or f"….{method}"
    if is_client:
        return Place(node=here.call, kind=CLIENT, what=f"{name} for {address.text[:SHOWN]}")
    what = f"{name} to {address.text[:SHOWN]}"
    if address.kind is ASSISTANTS:
        return Place(node=here.call, kind=ASSISTANTS, what=what)
    is_async = here.is_awaited or here.is_entered or path.startswith("aiohttp.") or "Async" in path
    return Place(node=here.call, kind=HTTP, what=what, replacement=_line(here, address, is_async))


def _address(here: Here, path: str) -> Address | None:
    is_library = LIBRARY.match(path) is not None
    # Of who knows what only the first: `config.get("URL", "https://…")` sends nothing.
    last = None if is_library or here.method.endswith("request") else 1
    candidates = [*here.call.args[:last], *(k.value for k in here.call.keywords if k.arg in PATHS)]
    for node in candidates:
        text = Texts(here.meanings).of(node, here.scope)
        address = address_in(_based(here, text) if is_library else text)
        if address is not None and (is_library or _is_sent(here, address)):
            return address
    return None


def _is_sent(here: Here, address: Address) -> bool:
    """Whether who knows what sends it: the test client of Django takes paths without a host, and a dictionary of a
    token's claims has addresses as keys."""
    return not address.is_relative and (here.method != "get" or "/v1" in address.text)


def _based(here: Here, text: str) -> str:
    """The address with the base that its client was made with."""
    function = here.meanings.of(here.call.func, here.scope)
    client = function.call if isinstance(function, Reached) else None
    if client is None or not text.startswith("/"):
        return text
    bases = [k.value for k in client.keywords if k.arg == "base_url"] or client.args[:1]
    scope = next((m.scopes[client] for m in here.meanings.tree.modules if client in m.scopes), None)
    base = Texts(here.meanings).of(bases[0], scope) if bases and scope else ""
    return f"{base.rstrip('/')}{text}" if base.startswith("http") else text


def _line(here: Here, address: Address, is_async: bool) -> str:
    payload = _payload(here)
    if payload is None:
        return ""
    given, is_inline = payload.arguments, payload.name is None
    if address.kind is CHAT and (given is None or not is_inline):
        # What is done to a payload between its making and its sending is in it, and in no literal.
        return _unpacked(payload, is_async) if payload.name else ""
    if given is None or address.kind is HTTP or not is_inline:
        return ""
    return line_for(Use(kind=address.kind, client="?", resource="responses.create", is_async=is_async), given)


def _unpacked(payload: Payload, is_async: bool) -> str:
    rest = [Argument("**", payload.name or "")]
    streams = any(arg.name == "stream" and arg.text == "True" for arg in payload.arguments or ())
    return chat_stream(rest, is_async) if streams else asked("chat_completion", rest, is_async)


def _payload(here: Here) -> Payload | None:
    node = here.keyword("json") or here.keyword("data") or here.keyword("content")
    return _payload_of(node, here, here.scope) if node is not None else None


def _payload_of(node: ast.expr, here: Here, scope: Scope, *, seen: int = 0) -> Payload | None:
    if isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "encode" else None
        if inner is None and node.args and here.meanings.path(node.func, scope) in DUMPS:
            inner = node.args[0]
        if inner is not None:
            return _payload_of(inner, here, scope, seen=seen)
    given = _arguments(node, scope)
    if given is not None:
        return Payload(None, given)
    if isinstance(node, ast.Attribute):
        return Payload(source(node, here.module), None)
    if not isinstance(node, ast.Name) or seen > 5:
        return None
    bindings = here.meanings.bindings(node.id, scope)
    value = next((b for b in bindings if b.how == "value" and b.node is not None), None)
    if value is None or value.node is None:
        return Payload(node.id, None)
    if isinstance(value.node, ast.Dict) or _arguments(value.node, value.scope) is not None:
        return Payload(node.id, _arguments(value.node, value.scope))
    # Bytes that `json.dumps` made of it earlier.
    return _payload_of(value.node, here, value.scope, seen=seen + 1) if isinstance(value.node, ast.Call) else None


def _arguments(node: ast.expr, scope: Scope) -> list[Argument] | None:
    if isinstance(node, ast.Dict):
        return arguments_of_dict(node, scope.module)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        return arguments_of(node, scope.module)
    return None

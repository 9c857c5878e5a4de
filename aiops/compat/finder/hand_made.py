"""Things that people write around such calls, and that the client does for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from aiops.compat.finder.kinds import FENCES, JSON, KEY, PACING, RETRY
from aiops.compat.finder.lines import arguments_of, chat_json
from aiops.compat.finder.meaning import ANSWER, Reached
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.reading import KEY as A_KEY
from aiops.compat.finder.scopes import Module
from aiops.compat.finder.sdk import CLIENTS, use_of

LOADS = {"json.loads", "orjson.loads", "ujson.loads", "simplejson.loads", "ast.literal_eval", "json5.loads"}
VALIDATES = {"model_validate_json", "parse_raw"}
TEXT_METHODS = {
    *("replace", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "split", "startswith", "endswith"),
    *("find", "index", "partition", "rpartition"),
}
SLEEPS = {"time.sleep", "asyncio.sleep", "gevent.sleep", "anyio.sleep", "eventlet.sleep"}
RETRIERS = re.compile(r"(?:tenacity\.retry|backoff\.on_\w+|retrying\.retry|stamina\.retry|retry\.retry)(?:\(\))?")

MODEL_OF_ANSWER = _("get_structured_completion(prompt, model_name, schema_model) gives the validated instance.")


def json_of_answer(here: Here) -> Place | None:
    """`json.loads(…choices[0].message.content…)` and the like."""
    loads, validates = here.path in LOADS, here.method in VALIDATES
    if not here.call.args or not (loads or validates):
        return None
    answer = here.meanings.of(here.call.args[0], here.scope)
    if not isinstance(answer, Reached) or not ANSWER.search(answer.path):
        return None
    if validates:
        what = f"{here.method}(…) of an answer"
        return Place(node=here.call, kind=JSON, what=what, advice=MODEL_OF_ANSWER)
    return Place(
        node=here.call, kind=JSON, what=f"{here.path}(…) of an answer", replacement=_asked_for_json(here, answer)
    )


def _asked_for_json(here: Here, answer: Reached) -> str:
    """The call that was answered, asked for data. Only of the same function, where its arguments are known by name."""
    call = answer.call
    if call is None or call not in here.module.scopes:
        return ""
    use = use_of(here.meanings.path(call.func, here.module.scopes[call]))
    if use is None or use.resource != "chat.completions.create":
        return ""
    if here.module.scopes[call].function() is not here.scope.function():
        return ""
    return chat_json(arguments_of(call, here.module), use.is_async)


def fences_off(here: Here, *, asks: bool) -> Place | None:
    """Fences cut off a text. Where the module asks no model, only those around JSON are meant."""
    is_text = here.method in TEXT_METHODS and isinstance(here.call.func, ast.Attribute)
    if not is_text and not here.path.startswith("re."):
        return None
    texts = [a.value for a in here.call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    fenced = [text for text in texts if "```" in text]
    if not fenced or not (asks or any("json" in text.lower() for text in fenced)):
        return None
    what = f"….{here.method}" if is_text else here.path
    return Place(node=here.call, kind=FENCES, what=f"{what}({fenced[0]!r}, …)")


def own_retries(here: Here) -> Place | None:
    """`max_retries=` of a client."""
    given = here.keyword("max_retries")
    if given is None or (isinstance(given, ast.Constant) and given.value == 0):
        return None
    path = here.path
    of_client = path in CLIENTS or (path.startswith("openai.") and path.endswith(("().with_options", "().copy")))
    if not of_client and not re.match(r"(?:langchain[\w.]*OpenAI|instructor\.|litellm\.)", path):
        return None
    return Place(node=given, kind=RETRY, what=f"{path}(max_retries=…)")


def retrying_decorator(node: ast.expr, module: Module, meanings: Meanings) -> Place | None:
    """A decorator that calls again what failed."""
    path = meanings.path(node, module.scopes[node])
    return Place(node=node, kind=RETRY, what=f"@{path.removesuffix('()')}") if RETRIERS.fullmatch(path) else None


def loop_around(site: ast.AST, module: Module, meanings: Meanings) -> Place | None:
    """A loop that tries a call again, or waits between calls. The function that it stands in is where one looks."""
    tried = None
    for node in module.around(site):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            return None
        if isinstance(node, ast.Try) and node.handlers:
            tried = node
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            sleeps = [call for call in _calls(node) if meanings.path(call.func, module.scopes[call]) in SLEEPS]
            if sleeps and tried is not None:
                return Place(node=node, kind=RETRY, what="a loop that waits and asks again")
            if sleeps:
                return Place(node=node, kind=PACING, what="a loop that waits between calls")
    return None


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def keys_in(module_lines: list[str]) -> Iterator[tuple[int, int]]:
    """Line and column of each key, comments too."""
    for number, line in enumerate(module_lines, start=1):
        if "sk-" in line:
            yield from ((number, found.start()) for found in A_KEY.finditer(line))


def key_of_client(here: Here) -> Place | None:
    """A key that is written into the making of a client, of whatever form."""
    key = here.keyword("api_key")
    if here.path not in CLIENTS or not isinstance(key, ast.Constant) or not is_secret(key.value):
        return None
    return Place(node=key, kind=KEY, what="api_key=…")


def is_secret(value: object) -> bool:
    """Whether a text looks like a key that is none of OpenAI's own form: those are found by that."""
    if not isinstance(value, str) or A_KEY.search(value):
        return False
    return len(value) >= 20 and re.search(r"[0-9]", value) is not None and re.fullmatch(r"[\w-]+", value) is not None

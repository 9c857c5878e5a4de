"""What is found, however a call reaches its client; and what only looks alike."""

import ast
import sys
import textwrap
from pathlib import Path

import pytest

from aiops.compat.finder import find_openai_calls

SHOP = Path(__file__).parent / "shop"
SDK = "from openai import OpenAI\n"
ASK = 'chat.completions.create(model="m", messages=messages)'


def kinds(report):
    return [finding.kind.name for finding in report.findings]


def expected():
    """What the comments of the shop say: path, line, kind."""
    for path in sorted(SHOP.rglob("*.py")):
        for number, line in enumerate(path.read_bytes().decode("latin-1").split("\n"), start=1):
            _code, marked, names = line.partition("  # found: ")
            if marked:
                yield from ((path.relative_to(SHOP.parent).as_posix(), number, name) for name in names.split(", "))


def test_everything_marked_in_the_shop_is_found_and_nothing_else(monkeypatch):
    monkeypatch.chdir(SHOP.parent)
    report = find_openai_calls([Path("shop")])
    found = [(one.path, one.line, one.kind.name) for one in report.findings]
    assert sorted(found) == sorted(expected())
    assert len(found) > 80
    assert list(report.unread) == []


def test_every_line_without_a_gap_compiles():
    lines = [one.replacement for one in find_openai_calls([SHOP]).findings if one.replacement]
    for line in lines:
        ast.parse(f"async def here():\n    {line.replace('…', 'filled_in')}")
    assert len(lines) > 50


def test_no_key_is_repeated():
    report = find_openai_calls([SHOP])
    told = "".join(f"{one.what}{one.replacement}{one.advice}" for one in report.findings)
    assert "0123456789" not in told
    assert kinds(report).count("key") == 3


def test_nothing_of_the_shop_is_imported_or_run(look, shop):
    report = look(
        {
            "danger_zone.py": "import openai\nopen('ran', 'w').close()\nclient = openai.OpenAI()\n",
            "danger_user.py": f"from danger_zone import client\nclient.{ASK}\n",
        }
    )
    assert kinds(report) == ["chat", "client"]
    assert not (shop / "ran").exists()
    assert not {"danger_zone", "danger_user"} & set(sys.modules)


REACHED = {
    "module": f"import openai\nopenai.{ASK}",
    "module by another name": f"import openai as oa\noa.{ASK}",
    "class": f"{SDK}OpenAI().{ASK}",
    "class by another name": f"from openai import OpenAI as O\nc = O()\nc.{ASK}",
    "asynchronous": f"from openai import AsyncOpenAI\nasync def f(): return await AsyncOpenAI().{ASK}",
    "azure": f"from openai import AzureOpenAI\nc = AzureOpenAI()\nc.{ASK}",
    "azure by its module": f"from openai.lib.azure import AsyncAzureOpenAI\nAsyncAzureOpenAI().{ASK}",
    "old name of the class": f"from openai import Client\nClient().{ASK}",
    "star": f"from openai import *\nc = OpenAI()\nc.{ASK}",
    "import in a function": f"def f():\n    from openai import OpenAI\n    return OpenAI().{ASK}",
    "import in a try": f"try:\n    import openai\nexcept ImportError:\n    openai = None\nopenai.{ASK}",
    "with": f"{SDK}with OpenAI() as c:\n    c.{ASK}",
    "async with": (
        f"from openai import AsyncOpenAI\nasync def f():\n    async with AsyncOpenAI() as c:\n        await c.{ASK}"
    ),
    "walrus": f"{SDK}if c := OpenAI():\n    c.{ASK}",
    "pair": f"{SDK}c, n = OpenAI(), 1\nc.{ASK}",
    "a field as well": (
        f"{SDK}class A(BaseModel):\n    c: Any = Field(None)\n    def make(self): self.c = OpenAI()\n"
        f"    def f(self): self.c.{ASK}"
    ),
    "two names": f"{SDK}a = c = OpenAI()\nc.{ASK}",
    "part of a client": "from openai import OpenAI\nchat = OpenAI().chat\nchat.completions.create(messages=messages)",
    "method": "from openai import OpenAI\nask = OpenAI().chat.completions.create\nask(messages=messages)",
    "options": f"{SDK}c = OpenAI()\nc.with_options(timeout=3).copy().{ASK}",
    "parameter": f"{SDK}def f(c: OpenAI): return c.{ASK}",
    "text as annotation": f"import openai\ndef f(c: 'openai.OpenAI'): return c.{ASK}",
    "optional parameter": f"import openai\ndef f(c: openai.OpenAI | None = None): return c.{ASK}",
    "union": f"from typing import Union\nfrom openai import *\ndef f(c: Union[None, OpenAI]): return c.{ASK}",
    "keyword parameter": f"{SDK}def f(*, c: OpenAI): return c.{ASK}",
    "default": f"{SDK}def f(c=OpenAI()): return c.{ASK}",
    "annotated name": f"{SDK}c: OpenAI = make()\nc.{ASK}",
    "global": f"{SDK}c = None\ndef f():\n    global c\n    c = c or OpenAI()\n    return c.{ASK}",
    "attribute of the class": f"{SDK}class A:\n    c = OpenAI()\n    def f(self): return self.c.{ASK}",
    "attribute of self": (f"{SDK}class A:\n    def __init__(self): self.c = OpenAI()\n    def f(self): self.c.{ASK}"),
    "attribute of a base": (
        f"{SDK}class A:\n    def __init__(self): self.c = OpenAI()\nclass B(A):\n    def f(self): self.c.{ASK}"
    ),
    "annotated attribute": f"{SDK}class A:\n    c: OpenAI\n    def f(self): self.c.{ASK}",
    "given to self": (f"{SDK}class A:\n    def __init__(self, c: OpenAI): self.c = c\n    def f(self): self.c.{ASK}"),
    "classmethod": f"{SDK}class A:\n    c = OpenAI()\n    @classmethod\n    def f(cls): cls.c.{ASK}",
    "property": f"{SDK}class A:\n    @property\n    def c(self): return OpenAI()\n    def f(self): self.c.{ASK}",
    "instance": f"{SDK}class A:\n    c = OpenAI()\na = A()\na.c.{ASK}",
    "subclass": f"{SDK}class Own(OpenAI): pass\nOwn().{ASK}",
    "function": f"{SDK}def c(): return OpenAI()\nc().{ASK}",
    "function that says so": f"{SDK}def c() -> OpenAI: ...\nc().{ASK}",
    "function that keeps it": (
        f"{SDK}_c = None\ndef c():\n    global _c\n    if _c is None:\n        _c = OpenAI()\n    return _c\nc().{ASK}"
    ),
    "method that makes it": (f"{SDK}class A:\n    def make(self): return OpenAI()\n    def f(self): self.make().{ASK}"),
    "lambda": f"{SDK}c = lambda: OpenAI()\nc().{ASK}",
    "dictionary": f"{SDK}CLIENTS = {{'a': OpenAI()}}\nCLIENTS['a'].{ASK}",
    "got from a dictionary": f"{SDK}CLIENTS = {{'a': OpenAI()}}\nCLIENTS.get('a').{ASK}",
    "choice": f"from openai import OpenAI, AzureOpenAI\nc = AzureOpenAI() if azure else OpenAI()\nc.{ASK}",
    "closing": f"from contextlib import closing\nfrom openai import OpenAI\nwith closing(OpenAI()) as c:\n    c.{ASK}",
    "comprehension": f"{SDK}c = OpenAI()\nx = [c.{ASK} for messages in all_of_them]",
    "nobody knows whose": f"def f(app): return app.state.model_client.{ASK}",
    "raw": "import openai\nopenai.chat.completions.with_raw_response.create(messages=messages)",
    "langfuse": f"from langfuse.openai import openai\nopenai.{ASK}",
    "inside an f-string": f"import openai\nx = f'{{openai.{ASK}}}'".replace('"', ""),
}


@pytest.mark.parametrize("way", REACHED)
def test_a_call_is_found_whichever_way_it_reaches_its_client(way, look):
    assert kinds(look({"shop.py": REACHED[way]})).count("chat") == 1


ACROSS = {
    "name": ("from openai import OpenAI\nc = OpenAI()", f"from pkg.llm import c\nc.{ASK}"),
    "other name": ("from openai import OpenAI\nc = OpenAI()", f"from pkg.llm import c as d\nd.{ASK}"),
    "module": ("from openai import OpenAI\nc = OpenAI()", f"from pkg import llm\nllm.c.{ASK}"),
    "whole path": ("from openai import OpenAI\nc = OpenAI()", f"import pkg.llm\npkg.llm.c.{ASK}"),
    "path by another name": ("from openai import OpenAI\nc = OpenAI()", f"import pkg.llm as x\nx.c.{ASK}"),
    "relative": ("from openai import OpenAI\nc = OpenAI()", f"from .llm import c\nc.{ASK}"),
    "relative module": ("from openai import OpenAI\nc = OpenAI()", f"from . import llm\nllm.c.{ASK}"),
    "several lines": ("from openai import OpenAI\nc = OpenAI()", f"from pkg.llm import (\n    c,\n)\nc.{ASK}"),
    "module of several": ("from openai import OpenAI\nc = OpenAI()", f"from pkg import (\n    llm,\n)\nllm.c.{ASK}"),
    "inside": ("from openai import OpenAI\nc = OpenAI()", f"def f():\n    from pkg.llm import c\n    c.{ASK}"),
    "star": ("from openai import OpenAI\nc = OpenAI()", f"from .llm import *\nc.{ASK}"),
    "function": ("from openai import OpenAI\ndef c(): return OpenAI()", f"from .llm import c\nc().{ASK}"),
    "class": (
        "from openai import OpenAI\nclass A:\n    def __init__(self): self.c = OpenAI()",
        f"from .llm import A\nA().c.{ASK}",
    ),
    "base": (
        "from openai import OpenAI\nclass A:\n    def __init__(self): self.c = OpenAI()",
        f"from .llm import A\nclass B(A):\n    def f(self): self.c.{ASK}",
    ),
}


@pytest.mark.parametrize("way", ACROSS)
def test_a_call_is_found_whichever_module_its_client_is_in(way, look):
    made, used = ACROSS[way]
    # Without a word in the second file that would give it away.
    used = used.replace(ASK, "files.delete('file-1')")
    report = look({"pkg/__init__.py": "", "pkg/llm.py": made, "pkg/use.py": used})
    assert [one.path for one in report.findings if one.kind.name == "files"] == ["pkg/use.py"]


def test_a_client_of_a_package_is_found_from_inside_it(look):
    files = {
        "pkg/__init__.py": "from openai import OpenAI\nthe_one = OpenAI()",
        "pkg/use.py": "from . import the_one\nthe_one.files.delete('file-1')",
    }
    assert kinds(look(files)) == ["client", "files"]


def test_a_client_is_followed_through_a_chain_of_modules_that_say_nothing_of_it(look):
    report = look(
        {
            "pkg/__init__.py": "",
            "pkg/llm.py": "from openai import OpenAI\nthe_one = OpenAI()",
            "pkg/a.py": "from pkg.llm import the_one as second",
            "pkg/b.py": "from pkg.a import second as third",
            "pkg/c.py": "from pkg.b import third\nthird.files.delete('file-1')",
        }
    )
    assert [(one.path, one.kind.name) for one in report.findings] == [("pkg/c.py", "files"), ("pkg/llm.py", "client")]


HARMLESS = {
    "other vendor": f"from groq import Groq\nGroq().{ASK}  # openai",
    "our client": f"from aiops import get_openai_client\nget_openai_client().sdk.{ASK}",
    "our own": f"import openai\nfrom aiops import get_openai_client\nc = get_openai_client().sdk\nc.{ASK}",
    "ours, annotated as the SDK's": (
        f"import openai\nfrom aiops import get_openai_client\nc: openai.OpenAI = get_openai_client().sdk\nc.{ASK}"
    ),
    "claims of a token": "claims.get('https://api.openai.com/auth')",
    "related manager": "form.responses.create(text='openai')",
    "another client": "client = Shop()  # openai\nclient.files.create(file=1)",
    "shadowed": "from openai import OpenAI\nfor c in rows:\n    c.files.create()\nOpenAI",
    "parameter shadows": "import openai\nc = openai\ndef f(c): return c.files.create()",
    "class names in methods": "import openai\nclass A:\n    c = openai\n    def f(self): return c.files.create()",
    "sentence": "x = 'post it to https://api.openai.com/v1/chat/completions please'",
    "own address": "client.post('/v1/chat/completions')",
    "other address": "import requests\nrequests.get('https://openai.com/blog')",
    "look-alike host": "import requests\nrequests.get('https://api.openai.com.example.org/')",
    "key that is none": "x = 'task-0123456789abcdefghijklmnop'\ny = 'sk-learn-is-a-library-with-a-name'",
    "JSON of a request": "import json\njson.loads(request.body)  # openai",
    "tools": "import json, openai\njson.loads(answer.choices[0].message.tool_calls[0].function.arguments)",
    "default": "os.environ.get('LLM_URL', 'https://api.openai.com/v1')\nconfig.get('X', 'https://api.openai.com/v1')",
    "markdown": "text.replace('```', '')  # openai",
    "loop without a call": "import time\nfor i in range(3):\n    time.sleep(1)  # openai",
    "no retries": "from litellm import x\nfrom tenacity import retry\n@retry\ndef f(): pass",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_only_looks_alike_is_left_alone(what, look):
    assert kinds(look({"shop.py": HARMLESS[what]})) == []


PLACES = {
    "in_save": "class T(models.Model):\n    def save(self): ask()",
    "in_save by a base": "class B(models.Model): pass\nclass T(B):\n    async def asave(self): ask()",
    "in_save after commit": "class T(models.Model):\n    def save(self): later(lambda: ask())",
    "in_signal": "@receiver(post_save)\ndef f(sender, **kw): ask()",
    "in_signal connected": "def f(sender, **kw): ask()\npost_save.connect(f)",
    "in_get": "def page(request): return ask()",
    "in_get as api": "@api_view(['GET'])\ndef page(request): return ask()",
    "in_get of a class": "class V(View):\n    def get(self, request): return ask()",
    "in_get otherwise": "def page(request):\n    if request.method == 'POST':\n        return 1\n    return ask()",
    "in_get else": "def page(request):\n    if request.method == 'POST': pass\n    else: return ask()",
    "in_get of two": "@require_http_methods(['GET', 'POST'])\ndef page(request): return ask()",
    "nothing of a form": "class F(forms.Form):\n    def save(self): ask()",
    "nothing posted": "def page(request):\n    if request.method == 'POST':\n        return ask()",
    "nothing sent away": "def page(request):\n    if request.method != 'POST':\n        return 1\n    return ask()",
    "nothing else": "def page(request):\n    if request.method == 'GET': return 1\n    else: return ask()",
    "nothing required": "@require_POST\ndef page(request): return ask()",
    "nothing as api": "@api_view(['POST'])\ndef page(request): return ask()",
    "nothing routed": "@router.post('/x')\ndef page(request): return ask()",
    "nothing of a class": "class V(View):\n    def post(self, request): return ask()",
    "nothing in a function": "def f(row): return ask()",
}
AROUND = """
import openai
from django import forms
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.views import View

def ask(): return openai.chat.completions.create(model="m", messages=[])

"""


@pytest.mark.parametrize("place", PLACES)
def test_a_call_where_none_belongs_is_told_from_one_that_is_asked_for(place, look):
    expected = [kind for kind in place.split()[:1] if kind != "nothing"]
    assert [kind for kind in kinds(look({"shop.py": AROUND + PLACES[place]})) if kind != "chat"] == expected


LOOPS = {
    "retry": "for i in range(3):\n    try:\n        ask()\n    except Exception:\n        time.sleep(2)",
    "retry asynchronously": (
        "async def f():\n    while True:\n        try:\n            ask()\n"
        "        except Exception:\n            await asyncio.sleep(2)"
    ),
    "retry decorated": "@tenacity.retry(stop=3)\ndef f(): return openai.chat.completions.create(messages=[])",
    "retry bare": "@tenacity.retry\ndef f(): return openai.chat.completions.create(messages=[])",
    "retry backed off": "@backoff.on_exception(backoff.expo, E)\ndef f(): return openai.embeddings.create(input=[])",
    "retry of the client": "c = openai.OpenAI(max_retries=4)",
    "retry by options": "openai.OpenAI().with_options(max_retries=4)",
    "pacing": "for row in rows:\n    ask()\n    time.sleep(1)",
    "nothing": "for row in rows:\n    ask()",
    "nothing but a state": "while openai.batches.retrieve(batch).status != 'completed':\n    time.sleep(1)",
    "nothing once": "openai.OpenAI(max_retries=0)",
    "nothing outside": "ask()\nfor row in rows:\n    time.sleep(1)",
}


@pytest.mark.parametrize("loop", LOOPS)
def test_retries_and_waits_of_ones_own_are_found(loop, look):
    text = "import asyncio, backoff, openai, tenacity, time\n" + AROUND + LOOPS[loop]
    expected = loop.split()[0].replace("nothing", "")
    assert [kind for kind in kinds(look({"shop.py": text})) if kind in {"retry", "pacing"}] == [expected] * bool(
        expected
    )


READINGS = {
    "json": "json.loads(answer.choices[0].message.content)",
    "json of a name": "text = answer.choices[0].message.content.strip()\njson.loads(text)",
    "json of a function": "def f(): return answer.choices[0].message.content\njson.loads(f())",
    "json of a dictionary": "json.loads(answer['choices'][0]['message']['content'])",
    "json of responses": "json.loads(openai.responses.create(model='m', input='x').output_text)",
    "json as a model": "Contact.model_validate_json(answer.choices[0].message.content)",
    "fences": "answer.replace('```json', '')",
    "fences by a pattern": "import re\nre.search(r'```(?:json)?(.*)```', answer)",
    "fences cut": "answer.removeprefix('```json').removesuffix('```')",
}


@pytest.mark.parametrize("reading", READINGS)
def test_json_that_is_read_by_hand_is_found(reading, look):
    report = look({"shop.py": "import json, openai\n" + READINGS[reading]})
    assert [kind for kind in kinds(report) if kind in {"json", "fences"}] == [reading.split()[0]]


def test_bindings_that_go_round_in_circles_come_to_an_end(look):
    names = [f"n{number}" for number in range(30)]
    circles = "\n".join(f"{a} = {b}.x() or {b}['y'] or f'{{{b}}}'" for a in names for b in names if a != b)
    text = f"import openai, requests\n{circles}\nn3.files.create()\nrequests.get(n4)\nopenai.files.list()"
    assert kinds(look({"shop.py": text})) == ["files"]


def test_what_an_answer_is_called_first_does_not_matter(look):
    text = textwrap.dedent("""
        from openai import OpenAI

        def client():
            return _client

        first = client().files
        _client = client() or OpenAI()
        first.delete("file-1")
        client().files.delete("file-2")
    """)
    assert kinds(look({"shop.py": text})) == ["client", "files", "files"]

"""The line that takes the place of a call is made from its own arguments."""

import pytest

CHAT = "client.chat.completions.create"
URL = '"https://api.openai.com/v1'

SYNC = [
    (
        f'{CHAT}(model="gpt-4o", messages=messages, temperature=0)',
        'get_openai_client().chat_completion(messages, model="gpt-4o", temperature=0)',
    ),
    (f"{CHAT}(**kwargs)", "get_openai_client().chat_completion(**kwargs)"),
    (f"{CHAT}(\n    messages=messages,\n    n=2,\n)", "get_openai_client().chat_completion(messages, n=2)"),
    (f"{CHAT}(messages=messages, stream=False)", "get_openai_client().chat_completion(messages)"),
    (f"{CHAT}(messages=m, stream=True)", "get_openai_client().stream(m)"),
    (f"{CHAT}(messages=m, stream=maybe)", ""),
    (f"{CHAT}(messages=[{'1, ' * 60}])", "get_openai_client().chat_completion(…)"),
    (f"{CHAT}(messages=m, user='Jörg')", "get_openai_client().chat_completion(m, user='Jörg')"),
    (f"{CHAT}(messages=m, user='sk-abcdefghijklmnopqrstu1')", "get_openai_client().chat_completion(m, user='…')"),
    ("client.chat.completions.list(limit=3)", "get_openai_client().sdk.chat.completions.list(limit=3)"),
    (
        "client.chat.completions.with_raw_response.create(messages=m)",
        "get_openai_client().sdk.chat.completions.with_raw_response.create(messages=m)",
    ),
    ("client.chat.completions.stream(messages=m)", "get_openai_client().stream(m)"),
    (
        "client.chat.completions.parse(model='m', messages=x, response_format=Contact)",
        "async_to_sync(get_structured_completion)(…, 'm', Contact)",
    ),
    ("client.completions.create(prompt=p, model='m')", '[{"role": "user", "content": p}], model=\'m\')'),
    ("client.embeddings.create(input=texts, model='m')", "get_openai_client().embed(texts, model='m')"),
    ("client.audio.transcriptions.create(model='m', file=f)", "get_openai_client().transcribe(f, model='m')"),
    ("client.audio.translations.create(file=f)", "get_openai_client().sdk.audio.translations.create(file=f)"),
    ("client.audio.speech.create(input=t, voice='v')", "get_openai_client().speak(t, voice='v')"),
    ("client.moderations.create(input=t)", "get_openai_client().moderate(t)"),
    ("client.files.create(file=f, purpose='p')", "get_openai_client().upload_file(f, purpose='p')"),
    ("client.files.content(one.id)", "get_openai_client().download_file(one.id)"),
    ("client.files.delete(file_id=i)", "get_openai_client().delete_file(i)"),
    ("client.responses.create(model='m', input=t)", "get_openai_client().sdk.responses.create(model='m', input=t)"),
    ("client.images.generate(prompt=p)", "get_openai_client().sdk.images.generate(prompt=p)"),
    ("client.batches.retrieve(b)", "get_openai_client().sdk.batches.retrieve(b)"),
    ("client.fine_tuning.jobs.list()", "get_openai_client().sdk.fine_tuning.jobs.list()"),
    ("client.beta.threads.runs.create(t)", ""),
    ("openai.ChatCompletion.create(engine='m', messages=x, api_key=k)", "chat_completion(x, model='m')"),
    ("openai.ChatCompletion.create(messages=x, stream=True)", "get_openai_client().stream(x)"),
    ("openai.Completion.create(prompt=p)", 'get_openai_client().chat_completion([{"role": "user", "content": p}])'),
    ("openai.Image.create(prompt=p)", "get_openai_client().sdk.images.generate(prompt=p)"),
    ("openai.File.list()", ""),
    (f'requests.post({URL}/chat/completions", json={{"messages": m, "n": 2}})', "chat_completion(m, n=2)"),
    (f'requests.post(url={URL}/chat/completions", data=json.dumps({{"messages": m}}))', "chat_completion(m)"),
    (f'requests.post({URL}/chat/completions", json=self.payload)', "chat_completion(**self.payload)"),
    (f'requests.post({URL}/chat/completions", json=make())', ""),
    (f'requests.post({URL}/chat/completions", json=dict(messages=m))', "chat_completion(m)"),
    (f'requests.post({URL}/moderations", json={{"input": t}})', "get_openai_client().moderate(t)"),
    (f'requests.post({URL}/responses", json={{"input": t}})', "get_openai_client().sdk.responses.create(input=t)"),
    (f'requests.get({URL}/models")', ""),
    ("litellm.completion(model='azure/gpt-4o', messages=m)", "get_openai_client().chat_completion(m, model='gpt-4o')"),
    ("litellm.completion(model='m', messages=m, stream=True)", "get_openai_client().stream(m, model='m')"),
    ("litellm.embedding(model='m', input=t)", ""),
]
ASYNC = [
    (
        "await client.chat.completions.create(messages=m)",
        "await get_async_openai_client().chat_completion(m)",
    ),
    (
        "await asyncio.gather(client.chat.completions.create(messages=m))",
        "get_async_openai_client().chat_completion(m)",
    ),
    ("await client.chat.completions.create(messages=m, stream=True)", "get_async_openai_client().stream(m)"),
    (
        "await client.chat.completions.parse(model='m', messages=x, response_format=Contact)",
        "await get_structured_completion(…, 'm', Contact)",
    ),
    ("await openai.Embedding.acreate(input=t)", "await get_async_openai_client().embed(t)"),
    (
        f"async with aiohttp.ClientSession().post({URL}/embeddings\", json={{'input': t}}): pass",
        "await get_async_openai_client().embed(t)",
    ),
    (
        "async with client.realtime.connect(model='m') as c: pass",
        "get_async_openai_client().sdk.realtime.connect(model='m')",
    ),
    (
        "async with client.audio.speech.with_streaming_response.create(input=t) as c: pass",
        "await get_async_openai_client().speak(t)",
    ),
    ("async for one in client.files.list(): pass", "get_async_openai_client().sdk.files.list()"),
    ("await who.knows.chat.completions.create(messages=m)", "await get_async_openai_client().chat_completion(m)"),
    ("await litellm.acompletion(messages=m)", "await get_async_openai_client().chat_completion(m)"),
]
IMPORTS = "import aiohttp, asyncio, json, litellm, openai, requests\n"


def replacements(report):
    return [finding.replacement for finding in report.findings if finding.kind.is_call]


@pytest.mark.parametrize(("call", "line"), SYNC)
def test_a_call_becomes_a_line_of_the_client(call, line, look):
    [found] = replacements(look({"shop.py": f"{IMPORTS}client = openai.OpenAI()\n{call}\n"}))
    assert found.endswith(line) and bool(found) == bool(line)


@pytest.mark.parametrize(("call", "line"), ASYNC)
def test_an_asynchronous_call_becomes_a_line_of_the_asynchronous_client(call, line, look):
    text = f"{IMPORTS}client = openai.AsyncOpenAI()\nasync def f():\n    {call}\n"
    assert replacements(look({"shop.py": text})) == [line]


TEXT = '{"type": "text", "text": "What?"}'
IMAGE = '{"type": "image_url", "image_url": {"url": photo, "detail": "low"}}'
SEEN = [
    (
        f'[{{"role": "user", "content": [{{"type": "text", "text": "What?"}}, {IMAGE}]}}]',
        '"What?", [photo], detail="low"',
    ),
    (f'[{{"role": "user", "content": [{IMAGE}, {IMAGE}]}}]', '…, [photo, photo], detail="low"'),
    ('[{"role": "user", "content": [{"type": "image_url", "image_url": make()} for x in y]}]', "…, […]"),
]


def test_images_in_a_list_with_a_name_are_seen(look):
    text = f"import openai\nparts = [{TEXT}, {IMAGE}]\nmessages = [{{'role': 'user', 'content': parts}}]\n"
    report = look({"shop.py": f"{text}openai.chat.completions.create(messages=messages)\n"})
    assert replacements(report) == ['get_openai_client().create_with_vision("What?", [photo], detail="low")']


@pytest.mark.parametrize(("messages", "line"), SEEN)
def test_images_in_messages_become_images_beside_a_text(messages, line, look):
    report = look({"shop.py": f"import openai\nopenai.chat.completions.create(messages={messages}, model='m')\n"})
    assert replacements(report) == [f"get_openai_client().create_with_vision({line}, model='m')"]


ADDRESSES = {
    "literal": "requests.post('https://api.openai.com/v1/chat/completions')",
    "constant": "requests.post(URL + '/chat/completions')",
    "f-string": "requests.post(f'{URL}/chat/completions')",
    "format": "requests.post('{}/chat/completions'.format(URL))",
    "percent": "requests.post('%s/chat/completions' % URL)",
    "join": "from urllib.parse import urljoin\nrequests.post(urljoin(URL, 'chat/completions'))",
    "of the environment": "requests.post(os.environ.get('X', URL) + '/chat/completions')",
    "either": "requests.post((given or URL) + '/chat/completions')",
    "of a class": "class A:\n    url = URL\n    def f(self): requests.post(self.url + '/chat/completions')",
    "of an instance": (
        "class A:\n    def __init__(self): self.url = URL\n"
        "    def f(self): requests.post(f'{self.url}/chat/completions')"
    ),
    "of settings": "from django.conf import settings\nrequests.post(settings.LLM_URL)",
    "of another module": "from addresses import ELSEWHERE\nrequests.post(ELSEWHERE)",
    "of a module": "import addresses\nrequests.post(addresses.ELSEWHERE)",
    "unknown host": "requests.post(f'{host}/v1/chat/completions')",
    "azure": "requests.post(f'https://{name}.openai.azure.com/openai/deployments/x/chat/completions?api-version=1')",
    "session": "s = requests.Session()\ns.post(URL + '/chat/completions')",
    "who knows": "self.session.post(URL + '/chat/completions')",
    "method first": "requests.request('POST', URL + '/chat/completions')",
    "httpx": "import httpx\nhttpx.post(url=URL + '/chat/completions')",
    "httpx2": "import httpx2\nhttpx2.post(URL + '/chat/completions')",
    "urllib": "import urllib.request\nurllib.request.urlopen(URL + '/chat/completions')",
    "urllib's request": "from urllib.request import Request\nRequest(URL + '/chat/completions')",
}
ELSEWHERE = {
    "addresses.py": "ELSEWHERE = 'https://api.openai.com/v1/chat/completions'",
    "site/settings.py": "LLM_URL = 'https://api.openai.com/v1/chat/completions'",
}


@pytest.mark.parametrize("way", ADDRESSES)
def test_a_request_is_found_however_its_address_is_put_together(way, look):
    text = f"import os, requests\nURL = 'https://api.openai.com/v1'\n{ADDRESSES[way]}\n"
    report = look({"shop.py": text} | ELSEWHERE)
    assert [(one.path, one.kind.name) for one in report.findings] == [("shop.py", "http")]
    assert "/chat/completions" in report.findings[0].what


def test_a_client_with_a_base_is_found_and_so_are_its_requests(look):
    text = (
        "import httpx\nc = httpx.Client(base_url='https://api.openai.com/v1')\nc.post('/chat/completions', json=body)\n"
    )
    report = look({"shop.py": text})
    assert [(one.kind.name, one.what) for one in report.findings] == [
        ("client", "httpx.Client for https://api.openai.com/v1"),
        ("http", "httpx.Client().post to https://api.openai.com/v1/chat/completions"),
    ]


def test_json_that_is_read_by_hand_is_asked_for_as_json(look):
    text = (
        "import json, openai\n"
        "def f(m):\n"
        '    answer = openai.chat.completions.create(messages=m, model="x", response_format={"type": "json_object"})\n'
        "    return json.loads(answer.choices[0].message.content.strip())\n"
    )
    [found] = [one for one in look({"shop.py": text}).findings if one.kind.name == "json"]
    assert (found.line, found.column) == (4, 11)
    assert found.replacement == 'get_openai_client().chat_completion_json(m, model="x")'

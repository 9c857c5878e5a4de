"""Things that look alike and are not."""
import json
import re
import time

import requests
from django.http import JsonResponse
from groq import Groq

from aiops import get_openai_client

client = requests.Session()


def survey(form, user):
    # A related manager.
    return form.responses.create(author=user, text="openai is a word")


def customers(clients):
    for client in clients:
        client.files.create(name="contract")


def shared(client):
    return client.orders.create(model="T-shirt", input="blue")


def groq(messages):
    return Groq().chat.completions.create(model="llama", messages=messages)


def ours(messages):
    answer = get_openai_client().sdk.chat.completions.create(model="gpt-6-luna", messages=messages)
    return answer.choices[0].message.content


def ours_too(messages):
    our = get_openai_client()
    return our.sdk.images.generate(prompt="x"), our.chat_completion(messages)


def markdown(text):
    return re.sub(r"```(.*?)```", r"<pre>\1</pre>", text), text.split("```")


def payload(request):
    return JsonResponse(json.loads(request.body))


def news():
    for attempt in range(3):
        try:
            return requests.get("https://openai.com/news/rss.xml").text
        except requests.ConnectionError:
            time.sleep(1)


def documentation():
    return "Post to https://api.openai.com/v1/chat/completions with task-0123456789abcdefghijklmnop"


def own_api(test_client):
    return test_client.post("/v1/chat/completions", {"model": "ours"})


class Form:
    def save(self, *args):
        return ours([])

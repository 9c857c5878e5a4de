import asyncio
import json
import os
import urllib.request

import aiohttp
import httpx
import requests
from django.conf import settings

API_URL = "https://api.openai.com/v1"
CHAT = API_URL + "/chat/completions"
HEADERS = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}


def remind(invoice):
    response = requests.post(  # found: http
        CHAT,
        headers=HEADERS,
        json={"model": "gpt-4o", "messages": [{"role": "user", "content": invoice.text}], "temperature": 0},
        timeout=60,
    )
    response.raise_for_status()
    return json.loads(response.json()["choices"][0]["message"]["content"])  # found: json


def remind_with_payload(invoice):
    payload = {"model": "gpt-4o", "messages": [{"role": "user", "content": invoice.text}]}
    if invoice.late:
        payload["temperature"] = 1
    return requests.request("POST", f"{API_URL}/chat/completions", headers=HEADERS, json=payload).json()  # found: http


class Reminder:
    base_url = "https://shop.openai.azure.com/openai/deployments/gpt-4o"

    def __init__(self):
        self.session = requests.Session()

    def send(self, messages):
        url = "%s/chat/completions?api-version=2024-06-01" % self.base_url
        return self.session.post(url, json={"messages": messages}).json()  # found: http


async def remind_async(invoice):
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{API_URL}/embeddings", json={"model": "text-embedding-3-small", "input": invoice.text}) as response:  # found: http
            return await response.json()


async def remind_by_httpx(messages):
    async with httpx.AsyncClient(base_url="https://api.openai.com/v1") as http:  # found: client
        while True:  # found: retry
            try:
                return await http.post("/chat/completions", json={"model": "gpt-4o", "messages": messages, "stream": True})  # found: http
            except httpx.HTTPError:
                await asyncio.sleep(1)


def remind_by_urllib(messages):
    body = json.dumps({"model": "gpt-4o", "messages": messages}).encode()
    request = urllib.request.Request("https://api.openai.com/v1/chat/completions", data=body, method="POST")  # found: http
    return json.load(urllib.request.urlopen(request))


def remind_by_setting(messages):
    return httpx.post(f"{settings.LLM_URL}/chat/completions", json=dict(model="gpt-4o", messages=messages))  # found: http


def thread(session):
    return session.post("https://api.openai.com/v1/threads", headers=HEADERS)  # found: assistants

# -*- coding: latin-1 -*-
"""Aus der Zeit vor 1.0: schöne Grüße."""
import openai

openai.api_key = "sk-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
openai.api_base = "https://api.openai.com/v1"


def ask(messages):
    completion = openai.ChatCompletion.create(engine="gpt-35-turbo", messages=messages, request_timeout=30)
    return completion["choices"][0]["message"]["content"]


async def ask_async(messages):
    return await openai.ChatCompletion.acreate(model="gpt-3.5-turbo", messages=messages)


def complete(prompt):
    return openai.Completion.create(model="text-davinci-003", prompt=prompt, max_tokens=100).choices[0].text


def embed(text):
    return openai.Embedding.create(input=[text], model="text-embedding-ada-002")["data"][0]["embedding"]


def listen(file):
    return openai.Audio.transcribe("whisper-1", file)


def assistant(client=openai.OpenAI(api_key="0123456789abcdef0123456789abcdef")):
    helper = client.beta.assistants.create(model="gpt-4o", instructions="Help.")
    thread = client.beta.threads.create()
    return client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=helper.id)


def module_level(messages):
    return openai.chat.completions.create(model="gpt-4o", messages=messages)


def draw(prompt):
    return openai.Image.create(prompt=prompt)

# -*- coding: latin-1 -*-
"""Aus der Zeit vor 1.0: schöne Grüße."""
import openai

openai.api_key = "sk-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"  # found: client, key
openai.api_base = "https://api.openai.com/v1"  # found: client


def ask(messages):
    completion = openai.ChatCompletion.create(engine="gpt-35-turbo", messages=messages, request_timeout=30)  # found: before_1_0
    return completion["choices"][0]["message"]["content"]


async def ask_async(messages):
    return await openai.ChatCompletion.acreate(model="gpt-3.5-turbo", messages=messages)  # found: before_1_0


def complete(prompt):
    return openai.Completion.create(model="text-davinci-003", prompt=prompt, max_tokens=100).choices[0].text  # found: before_1_0


def embed(text):
    return openai.Embedding.create(input=[text], model="text-embedding-ada-002")["data"][0]["embedding"]  # found: before_1_0


def listen(file):
    return openai.Audio.transcribe("whisper-1", file)  # found: before_1_0


def assistant(client=openai.OpenAI(api_key="0123456789abcdef0123456789abcdef")):  # found: client, key
    helper = client.beta.assistants.create(model="gpt-4o", instructions="Help.")  # found: assistants
    thread = client.beta.threads.create()  # found: assistants
    return client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=helper.id)  # found: assistants


def module_level(messages):
    return openai.chat.completions.create(model="gpt-4o", messages=messages)  # found: chat


def draw(prompt):
    return openai.Image.create(prompt=prompt)  # found: before_1_0

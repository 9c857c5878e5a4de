import asyncio
from functools import partial
from typing import Annotated, Optional

import instructor
import litellm
from langchain_openai import ChatOpenAI
from litellm import acompletion
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel
from tenacity import retry, stop_after_attempt


class Description(BaseModel):
    title: str
    text: str


def describe(client: OpenAI, product):
    completion = client.beta.chat.completions.parse(  # found: structured
        model="gpt-4o-2024-08-06",
        messages=[{"role": "user", "content": product.name}],
        response_format=Description,
        temperature=0.3,
    )
    return completion.choices[0].message.parsed


async def describe_async(product, client: Optional[AsyncOpenAI] = None):
    client = client or AsyncOpenAI()  # found: client
    done = await client.chat.completions.parse(  # found: structured
        model="gpt-4o", messages=[{"role": "user", "content": product.name}], response_format=Description
    )
    return done.choices[0].message.parsed


@retry(stop=stop_after_attempt(3))  # found: retry
def title(product, client: "Annotated[OpenAI, 'shared']"):
    response = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": product.name}])  # found: chat
    return Description.model_validate_json(response.choices[0].message.content)  # found: json


async def in_a_thread(client: OpenAI | None, messages):
    return await asyncio.to_thread(client.chat.completions.create, model="gpt-4o", messages=messages)  # found: chat


def with_a_partial(messages):
    ask = partial(OpenAI().chat.completions.create, model="gpt-4o")  # found: chat, client
    return ask(messages=messages)


def with_headers(client: OpenAI, messages):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=messages)  # found: chat
    return raw.headers["x-request-id"], raw.parse()


def through_langchain(text):
    return ChatOpenAI(model="gpt-4o", max_retries=3).invoke(text).content  # found: langchain, retry


def through_litellm(messages):
    return litellm.completion(model="openai/gpt-4o", messages=messages, temperature=0)  # found: litellm


async def through_litellm_async(messages):
    return await acompletion(model="gpt-4o", messages=messages)  # found: litellm


def through_instructor(text):
    client = instructor.from_openai(OpenAI())  # found: client, instructor
    return client.chat.completions.create(  # found: structured
        model="gpt-4o", response_model=Description, messages=[{"role": "user", "content": text}]
    )

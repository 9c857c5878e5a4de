"""The shop's own way to a model, as it grew."""
import os
from contextlib import contextmanager
from functools import lru_cache

import openai
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

openai.api_key = os.environ.get("OPENAI_API_KEY")  # found: client

client = OpenAI(max_retries=5, timeout=30)  # found: client, retry
azure = AzureOpenAI(azure_endpoint="https://shop.openai.azure.com", api_version="2024-06-01")  # found: client
_async_client = None


def get_async_client() -> AsyncOpenAI:
    global _async_client
    if _async_client is None:
        _async_client = AsyncOpenAI()  # found: client
    return _async_client


@lru_cache(maxsize=1)
def quick_client():
    return client.with_options(max_retries=0, timeout=5)


@contextmanager
def short_lived_client():
    with OpenAI() as inner:  # found: client
        yield inner


class LLMService:
    """Most of the shop goes through this."""

    model = "gpt-4o"

    def __init__(self, client=None):
        self.client = client or OpenAI()  # found: client

    def complete(self, messages, **kwargs):
        return self.client.chat.completions.create(model=self.model, messages=messages, **kwargs)  # found: chat

    @property
    def embeddings(self):
        return self.client.embeddings

"""The one client for code on an event loop: the same methods, to be awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Unpack

import openai
from asgiref.sync import sync_to_async
from openai.types.chat import ChatCompletion

from aiops.client.chats import (
    StreamEnd,
    completion_in,
    data_in,
    end_of,
    prepare_chat,
    prepare_json,
    prepare_stream,
    prepare_vision,
)
from aiops.client.classification import Classification, classification_in, prepare_classification
from aiops.client.files import FileOptions, as_transport_errors, to_delete, to_read, wanted
from aiops.client.how import Options
from aiops.client.images import Detail
from aiops.client.moderation import Moderation, moderations_in, prepare_moderation
from aiops.client.sdk import async_sdk
from aiops.client.sound import prepare_speech, prepare_transcription, sound_in, text_in
from aiops.client.vectors import as_given, prepare_embeddings, vectors_in
from aiops.execution.call import amake_call
from aiops.execution.streaming import astream_call
from aiops.files.deletion import adelete
from aiops.files.download import Target, adownload
from aiops.files.models import UploadedFile
from aiops.files.source import MOST_BYTES, Given
from aiops.files.upload import aupload


class AsyncOpenAIClient:
    """As `OpenAIClient`, whose methods say what they take and raise. Any number of calls may be awaited at a time."""

    def __init__(self, connection: str = "default") -> None:
        self.connection = connection

    @property
    def sdk(self) -> openai.AsyncOpenAI:
        """The SDK's own client, one for the running event loop, for what has no method here: logged all the same."""
        return async_sdk(self.connection)

    async def chat_completion(self, messages: Any, **arguments: Any) -> ChatCompletion:
        """Ask, and give the SDK's object, whichever interface the connection speaks."""
        return completion_in(await amake_call(lambda: prepare_chat(self.connection, messages, arguments)))

    async def chat_completion_json(self, messages: Any, **arguments: Any) -> Any:
        """Ask, and give the data in the answer."""
        return data_in(await amake_call(lambda: prepare_json(self.connection, messages, arguments)))

    async def create_with_vision(
        self, text_prompt: str, images: Any, detail: Detail = "auto", **arguments: Any
    ) -> ChatCompletion:
        """Ask about images."""
        return completion_in(
            await amake_call(lambda: prepare_vision(self.connection, text_prompt, images, detail, arguments))
        )

    async def stream(
        self, messages: Any, *, on_progress: Callable[[str], object] | None = None, **arguments: Any
    ) -> AsyncGenerator[str | StreamEnd]:
        """Ask, and give the text as it comes; the last thing given is a `StreamEnd`."""
        text = ""
        async with aclosing(astream_call(lambda: prepare_stream(self.connection, messages, arguments))) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    yield end_of(piece)
                    return
                text += piece
                if on_progress is not None:
                    on_progress(text)
                yield piece

    async def embed(self, texts: Any, *, dimensions: int | None = None, **options: Unpack[Options]) -> Any:
        """A vector (list of floats) for a text, or a list of them for several."""
        vectors: list[list[float]] = []
        shares = await sync_to_async(prepare_embeddings)(self.connection, texts, dimensions, options)
        for share in shares:
            vectors += vectors_in(await amake_call(share))
        return as_given(vectors, texts)

    async def transcribe(self, audio: Any, **arguments: Any) -> str:
        """The words of a recording."""
        return text_in(await amake_call(lambda: prepare_transcription(self.connection, audio, arguments)))

    async def speak(self, text: str, *, voice: str = "alloy", **arguments: Any) -> bytes:
        """A text as sound (MP3, or what `response_format` says)."""
        return sound_in(await amake_call(lambda: prepare_speech(self.connection, text, voice, arguments)))

    async def moderate(self, texts: Any, **options: Unpack[Options]) -> Moderation | list[Moderation]:
        """Whether texts break the provider's rules: one `Moderation` for a text, a list of them for several."""
        return moderations_in(await amake_call(lambda: prepare_moderation(self.connection, texts, options)), texts)

    async def classify(
        self, text: str, choices: Any, *, instructions: str = "", **options: Unpack[Options]
    ) -> Classification:
        """Which of the choices a text is, and how sure the model is."""
        asked = await sync_to_async(prepare_classification)(self.connection, text, choices, instructions, options)
        return classification_in(await amake_call(lambda: asked.prepared), asked)

    async def upload_file(
        self,
        file: Given,
        *,
        purpose: str = "user_data",
        name: str = "",
        expires_after: timedelta | float | None = None,
        again: bool = False,
        most_bytes: int = MOST_BYTES,
        **options: Unpack[FileOptions],
    ) -> UploadedFile:
        """Give the provider a file, and get the row that says so."""
        how = wanted(
            self.connection,
            options,
            purpose=purpose,
            name=name,
            expires_after=expires_after,
            again=again,
            most_bytes=most_bytes,
        )
        with as_transport_errors():
            return await aupload(file, how)

    async def download_file(
        self,
        file: UploadedFile | str,
        to: Target | None = None,
        *,
        most_bytes: int = MOST_BYTES,
        **options: Unpack[FileOptions],
    ) -> Any:
        """What is in a file: bytes, or with `to` how many of them were written there."""
        found, seconds = await sync_to_async(to_read)(self.connection, file, **options)
        with as_transport_errors():
            return await adownload(found, to, most_bytes=most_bytes, timeout=seconds)

    async def delete_file(self, file: UploadedFile | str, **options: Unpack[FileOptions]) -> None:
        """Delete a file at the provider. One that is not there is deleted."""
        found, policy = await sync_to_async(to_delete)(self.connection, file, **options)
        with as_transport_errors():
            await adelete(found, policy)

"""The one client for code that may block."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import timedelta
from typing import Any, Unpack

import openai
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
from aiops.client.sdk import sync_sdk
from aiops.client.sound import prepare_speech, prepare_transcription, sound_in, text_in
from aiops.client.vectors import as_given, prepare_embeddings, vectors_in
from aiops.execution.call import make_call
from aiops.execution.prepare import Prepared
from aiops.execution.streaming import stream_call
from aiops.files.deletion import delete
from aiops.files.download import Target, download
from aiops.files.models import UploadedFile
from aiops.files.source import MOST_BYTES, Given
from aiops.files.upload import upload


class OpenAIClient:
    """Every call is logged, priced, limited and under the budget. Made by `get_openai_client`; may be kept and shared.

    What the methods take beside their own arguments is in `Options` (`connection`, `model`, `by`, `row`, `purpose`,
    `timeout`, `retry`, `fallbacks`); `ValueError` means that nothing was sent, and so does each of
    `aiops.execution.errors.REFUSALS`. A call that was made and gave nothing raises an `OpenAIClientError`.
    """

    def __init__(self, connection: str = "default") -> None:
        self.connection = connection

    @property
    def sdk(self) -> openai.OpenAI:
        """The SDK's own client, one for this process, for what has no method here: logged and held for all the same."""
        return sync_sdk(self.connection)

    def chat_completion(self, messages: Any, **arguments: Any) -> ChatCompletion:
        """Ask, and give the SDK's object, whichever interface the connection speaks.

        Args:
            messages: with role and content, as the SDK takes them; a text by itself is a user's message.
            arguments: `Options`, and the model's parameters (`temperature`, `max_tokens`, `tools`, `response_format`
                as a dictionary or a Pydantic class, …).
        """
        return completion_in(make_call(prepare_chat(self.connection, messages, arguments)))

    def chat_completion_json(self, messages: Any, **arguments: Any) -> Any:
        """Ask, and give the data in the answer.

        Args:
            messages: as `chat_completion`.
            arguments: as there; with a `response_format` that names a schema, the data satisfies it.
        """
        return data_in(make_call(prepare_json(self.connection, messages, arguments)))

    def create_with_vision(
        self, text_prompt: str, images: Any, detail: Detail = "auto", **arguments: Any
    ) -> ChatCompletion:
        """Ask about images.

        Args:
            text_prompt: what is asked.
            images: one or several of bytes, base64, data URI, path, Django file, id of an uploaded file, https address
                of a host in `AIOPS["IMAGE_HOSTS"]`; or `Image(source, detail)`.
            detail: `low`, `high`, `auto` or `original`, for those that have none of their own.
            arguments: as `chat_completion`.
        """
        return completion_in(make_call(prepare_vision(self.connection, text_prompt, images, detail, arguments)))

    def stream(
        self, messages: Any, *, on_progress: Callable[[str], object] | None = None, **arguments: Any
    ) -> Generator[str | StreamEnd, None, None]:
        """Ask, and give the text as it comes; the last thing given is a `StreamEnd`.

        Args:
            messages: as `chat_completion`.
            on_progress: called with all of the text so far, each time there is more.
            arguments: as `chat_completion`.
        """
        prepared = prepare_stream(self.connection, messages, arguments)
        return self._streamed(prepared, on_progress)

    def embed(self, texts: Any, *, dimensions: int | None = None, **options: Unpack[Options]) -> Any:
        """A vector (list of floats) for a text, or a list of them for several.

        Args:
            texts: any number; they are sent as many at a time as the provider takes.
            dimensions: length of a vector; None for the model's own.
            options: as for every method.
        """
        vectors: list[list[float]] = []
        for share in prepare_embeddings(self.connection, texts, dimensions, options):
            vectors += vectors_in(make_call(share()))
        return as_given(vectors, texts)

    def transcribe(self, audio: Any, **arguments: Any) -> str:
        """The words of a recording.

        Args:
            audio: bytes, a path or a Django file, at most 25 MiB.
            arguments: `Options`, and the model's parameters (`language`, `prompt`, …).
        """
        return text_in(make_call(prepare_transcription(self.connection, audio, arguments)))

    def speak(self, text: str, *, voice: str = "alloy", **arguments: Any) -> bytes:
        """A text as sound (MP3, or what `response_format` says).

        Args:
            text: at most 4,096 characters.
            voice: as the provider names it.
            arguments: `Options`, and the model's parameters (`instructions`, `speed`, `response_format`, …).
        """
        return sound_in(make_call(prepare_speech(self.connection, text, voice, arguments)))

    def moderate(self, texts: Any, **options: Unpack[Options]) -> Moderation | list[Moderation]:
        """Whether texts break the provider's rules: one `Moderation` for a text, a list of them for several."""
        return moderations_in(make_call(prepare_moderation(self.connection, texts, options)), texts)

    def classify(
        self, text: str, choices: Any, *, instructions: str = "", **options: Unpack[Options]
    ) -> Classification:
        """Which of the choices a text is, and how sure the model is.

        Args:
            text: what is to be classified.
            choices: names, or a dictionary of name → what is meant by it.
            instructions: what it is about.
            options: as for every method.
        """
        asked = prepare_classification(self.connection, text, choices, instructions, options)
        return classification_in(make_call(asked.prepared), asked)

    def upload_file(
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
        """Give the provider a file, and get the row that says so: `.provider_id`, `.expires`, `.owner`, `.state`.

        The same bytes that are there already, of the same owner and for the same purpose, are not sent again.

        Args:
            file: bytes, a path or a Django file; PDF, images, texts, tables and Office files.
            purpose: as the provider calls it: `user_data`, `vision`, `batch`, `assistants`, …
            name: with its ending; empty for the file's own.
            expires_after: one hour to 30 days, as a timedelta or in seconds; the provider is asked to delete it then.
            again: send it although it is there.
            most_bytes: that it may have; at most 512 MiB.
            options: `connection`, `by` (its owner), `timeout`, `retry`.
        """
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
            return upload(file, how)

    def download_file(
        self,
        file: UploadedFile | str,
        to: Target | None = None,
        *,
        most_bytes: int = MOST_BYTES,
        **options: Unpack[FileOptions],
    ) -> Any:
        """What is in a file: bytes, or with `to` how many of them were written there.

        Args:
            file: what `upload_file` gave, or an id of the provider.
            to: a path, which holds all of it or is left as it was, or a file that is open for writing bytes.
            most_bytes: more is not read.
            options: `connection`, `by` (must be its owner or may view uploaded files), `timeout`.
        """
        found, seconds = to_read(self.connection, file, **options)
        with as_transport_errors():
            return download(found, to, most_bytes=most_bytes, timeout=seconds)

    def delete_file(self, file: UploadedFile | str, **options: Unpack[FileOptions]) -> None:
        """Delete a file at the provider. One that is not there is deleted.

        Args:
            file: what `upload_file` gave, or an id of the provider.
            options: `connection`, `by` (must be its owner or may delete uploaded files), `timeout`, `retry`.
        """
        found, policy = to_delete(self.connection, file, **options)
        with as_transport_errors():
            delete(found, policy)

    def _streamed(
        self, prepared: Prepared, on_progress: Callable[[str], object] | None
    ) -> Generator[str | StreamEnd, None, None]:
        text = ""
        with closing(stream_call(prepared)) as pieces:
            for piece in pieces:
                if not isinstance(piece, str):
                    yield end_of(piece)
                    return
                text += piece
                if on_progress is not None:
                    on_progress(text)
                yield piece

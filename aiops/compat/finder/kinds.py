"""What may be found, and what to do about it where no line can be written."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


# Told apart by identity: what a translated label is equal to hangs on who reads it.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """One pattern that the central client replaces."""

    name: str
    """For machines."""

    label: Text
    """For people, as it is counted: “4 chat”."""

    advice: Text = ""
    """A sentence beside the replacement, or instead of one."""

    is_call: bool = True
    """Whether it asks a model or its provider by itself; otherwise it only stands around such calls."""


CHAT = Kind(name="chat", label=_("chat"))
STREAM = Kind(
    name="stream",
    label=_("chat stream"),
    advice=_("It yields texts, and at its end one object with the finish reason and the usage."),
)
VISION = Kind(
    name="vision",
    label=_("vision"),
    advice=_("It takes addresses on the allow-list, and bytes, paths, files of Django and uploaded files besides."),
)
STRUCTURED = Kind(
    name="structured",
    label=_("structured"),
    advice=_("It gives the validated instance itself; its prompt is one text."),
)
RESPONSES = Kind(
    name="responses",
    label=_("responses"),
    advice=_("Where only the text of the answer is wanted, chat_completion(messages) gives it whatever the API."),
)
COMPLETION = Kind(
    name="completion",
    label=_("text completion"),
    advice=_("The text is in choices[0].message.content, no longer in choices[0].text."),
)
EMBEDDINGS = Kind(name="embeddings", label=_("embeddings"))
TRANSCRIPTION = Kind(
    name="transcription",
    label=_("transcription"),
    advice=_("whisper-1 and gpt-4o-*-transcribe end on 2027-02-26; the successor is gpt-transcribe."),
)
SPEECH = Kind(name="speech", label=_("speech"), advice=_("All models behind OpenAI's /audio/speech end on 2027-01-06."))
MODERATION = Kind(name="moderation", label=_("moderation"))
FILES = Kind(name="files", label=_("files"))
IMAGES = Kind(name="images", label=_("images"))
BATCHES = Kind(name="batches", label=_("batches"))
OTHER = Kind(name="sdk", label=_("other SDK"))
ASSISTANTS = Kind(
    name="assistants",
    label=_("Assistants API"),
    advice=_(
        "OpenAI's Assistants API is gone since 2026-08-26, so that this call fails: keep the messages in your own "
        "database and ask with chat_completion(messages)."
    ),
)
BEFORE_1_0 = Kind(
    name="before_1_0",
    label=_("SDK before 1.0"),
    advice=_("The SDK has not had this since 1.0, so that it fails; answers are objects now, no dictionaries."),
)
HTTP = Kind(
    name="http",
    label=_("HTTP"),
    advice=_("Its answer is an object, no HTTP: nothing is left to be decoded, and an error status is an exception."),
)
LANGCHAIN = Kind(
    name="langchain",
    label=_("LangChain"),
    advice=_(
        "Ask get_openai_client() itself, or lend LangChain our client: "
        "ChatOpenAI(client=get_openai_client().sdk.chat.completions)."
    ),
)
LITELLM = Kind(
    name="litellm",
    label=_("LiteLLM"),
    advice=_("Each provider is a connection in AIOPS['CONNECTIONS']; a prefix as in openai/ goes away."),
)
INSTRUCTOR = Kind(
    name="instructor",
    label=_("Instructor"),
    advice=_("get_structured_completion gives validated instances without it."),
    is_call=False,
)

CLIENT = Kind(
    name="client",
    label=_("own client"),
    advice=_("Its key and address belong into AIOPS['CONNECTIONS']; get_openai_client() takes its place."),
    is_call=False,
)
STORED_PROMPT = Kind(
    name="stored_prompt",
    label=_("stored prompt"),
    advice=_("OpenAI's stored prompts end on 2026-11-30: copy this one into a prompt in the admin."),
    is_call=False,
)
JSON = Kind(
    name="json",
    label=_("JSON of an answer"),
    advice=_("chat_completion_json(messages) gives parsed data, whatever stands around the JSON."),
    is_call=False,
)
FENCES = Kind(
    name="fences",
    label=_("fences taken off"),
    advice=_("Delete it: chat_completion_json(messages) reads JSON inside fences and prose by a real parser."),
    is_call=False,
)
RETRY = Kind(
    name="retry",
    label=_("own retry"),
    advice=_("Delete it: retries are the client's, which records each attempt and keeps one deadline over all."),
    is_call=False,
)
PACING = Kind(
    name="pacing",
    label=_("own pacing"),
    advice=_("Delete it: limits per connection and model are the client's, shared by all processes."),
    is_call=False,
)
KEY = Kind(
    name="key",
    label=_("key in the source"),
    advice=_(
        "Revoke it at the provider: whoever has the code has it. Keys live in the environment, as OPENAI_API_KEY."
    ),
    is_call=False,
)
IN_SAVE = Kind(
    name="in_save",
    label=_("in save()"),
    advice=_("Every save waits for the model and pays for it: call it from a view, a command, or run a job over rows."),
    is_call=False,
)
IN_SIGNAL = Kind(
    name="in_signal",
    label=_("in a signal"),
    advice=_("Every save waits for the model and pays for it, loads of fixtures too: run a job over rows instead."),
    is_call=False,
)
IN_GET = Kind(
    name="in_get",
    label=_("in a GET"),
    advice=_("Whoever reloads the page pays again, robots too: ask on POST, or in a job, and show what was kept."),
    is_call=False,
)

NO_MODEL = {FILES, BATCHES, OTHER, ASSISTANTS}
"""Calls that ask the provider, and no model: waiting between two of them is waiting for a state."""

KINDS: dict[str, Kind] = {kind.name: kind for kind in list(globals().values()) if isinstance(kind, Kind)}

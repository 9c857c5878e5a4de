"""What models can do, as data: of OpenAI's own by their names; of others by what their connection says.

From OpenAI's documentation and the SDK's types of November 2026. It says what to choose from, and refuses nothing.
"""

from __future__ import annotations

import re
from enum import StrEnum

from aiops.gateway.connections import Connection
from aiops.gateway.model_rules import rules_of


class Ability(StrEnum):
    """One thing that a model takes, gives or lets itself be told."""

    TEXT = "text"
    IMAGES = "images"
    AUDIO_IN = "audio_in"
    AUDIO_OUT = "audio_out"
    EMBEDDINGS = "embeddings"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"
    MODERATION = "moderation"
    REASONING = "reasoning"
    STRUCTURED = "structured"
    TOOLS = "tools"
    LOGPROBS = "logprobs"
    STREAMING = "streaming"
    DECISIONS = "decisions"


_A = Ability
_CHAT = frozenset({_A.TEXT, _A.TOOLS, _A.STREAMING})
_SCHEMA = _CHAT | {_A.STRUCTURED}
_SEES = _SCHEMA | {_A.IMAGES}

_BY_KIND = (
    (re.compile(r".*embed"), frozenset({_A.EMBEDDINGS})),
    (re.compile(r".*(?:transcribe|whisper)"), frozenset({_A.TRANSCRIPTION, _A.AUDIO_IN})),
    (re.compile(r".*tts"), frozenset({_A.SPEECH, _A.AUDIO_OUT})),
    (re.compile(r"omni-moderation"), frozenset({_A.MODERATION, _A.IMAGES})),
    (re.compile(r".*moderation"), frozenset({_A.MODERATION})),
)
"""Names that say what a model is for, whoever serves it."""

_FAMILIES = (
    # Made or spoken with through interfaces that are not spoken here.
    (re.compile(r".*(?:image|realtime|live|sora|dall-e|translate)"), frozenset[Ability]()),
    (re.compile(r"gpt-audio|gpt-4o(?:-mini)?-audio"), _CHAT | {_A.AUDIO_IN, _A.AUDIO_OUT}),
    (re.compile(r"gpt-oss"), _SCHEMA | {_A.REASONING}),
    (re.compile(r"o1-mini|o1-preview"), frozenset({_A.TEXT, _A.STREAMING, _A.REASONING})),
    (re.compile(r"o3-mini"), _SCHEMA | {_A.REASONING}),
    (re.compile(r"gpt-[5-9]|o\d|gpt-chat|gpt-4o|gpt-4\.|chatgpt"), _SEES),
    (re.compile(r"gpt-4-turbo"), _CHAT | {_A.IMAGES}),
    (re.compile(r"gpt-4|gpt-3\.5"), _CHAT),
)
"""OpenAI's own. The first that fits holds."""

_MOST_OUTPUT = (
    (re.compile(r"gpt-5(?:\.\d)?(?:-(?:mini|nano|pro|codex.*))?$"), 128_000),
    (re.compile(r"o[134](?:-mini|-pro)?$"), 100_000),
    (re.compile(r"gpt-4\.1"), 32_768),
    (re.compile(r"gpt-4o(?:-mini)?$"), 16_384),
)


def abilities_of(connection: Connection, model: str) -> frozenset[Ability]:
    """What a model can do over a connection; empty where nobody knows."""
    name = model.removeprefix("openai/").removeprefix("ft:")
    found = next((abilities for pattern, abilities in _BY_KIND if pattern.match(name)), None)
    if found is not None:
        return found
    if connection.provider in ("openai", "azure"):
        return _of_openai(connection, name)
    said = {_A.TEXT, _A.STREAMING}
    if connection.supports_json_schema:
        said.add(_A.STRUCTURED)
    if connection.supports_logprobs:
        said.add(_A.LOGPROBS)
    return frozenset(said)


def _of_openai(connection: Connection, name: str) -> frozenset[Ability]:
    found = set(next((abilities for pattern, abilities in _FAMILIES if pattern.match(name)), ()))
    if _A.TEXT not in found:
        return frozenset(found)
    rules = rules_of(connection, name)
    if rules.reasons:
        found.add(_A.REASONING)
    if connection.supports_logprobs and (rules.may_not_reason or _A.REASONING not in found):
        found.add(_A.LOGPROBS)
    if not connection.supports_json_schema:
        found.discard(_A.STRUCTURED)
    if connection.supports_decisions and name.startswith("gpt-6"):
        found.add(_A.DECISIONS)
    return frozenset(found)


def most_output_of(connection: Connection, model: str) -> int | None:
    """Most tokens that a model writes at once; None where nobody knows."""
    if connection.provider not in ("openai", "azure"):
        return None
    return next((most for pattern, most in _MOST_OUTPUT if pattern.match(model.removeprefix("openai/"))), None)

"""What the provider counted, each token in one bucket only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the provider says it counted. Buckets are exclusive: they add up to what is billed."""

    input_tokens: int = 0
    """Text read afresh: neither from the cache nor written to it, neither audio nor image."""

    cached_tokens: int = 0
    """Read from the provider's prompt cache, at its lower price."""

    cache_write_tokens: int = 0
    """Written to the provider's prompt cache, at its higher price."""

    input_audio_tokens: int = 0

    input_image_tokens: int = 0

    output_tokens: int = 0
    """Text that was answered: neither reasoning nor audio."""

    reasoning_tokens: int = 0
    """Thought but not shown; billed as output."""

    output_audio_tokens: int = 0

    input_audio_ms: int = 0
    """Sound that is billed by its length, milliseconds; 0 where it is billed by tokens."""

    input_characters: int = 0
    """Text that is billed by its characters, to be spoken; 0 where it is billed by tokens."""

    @property
    def tokens_in(self) -> int:
        """All input, whatever its price."""
        return (
            self.input_tokens
            + self.cached_tokens
            + self.cache_write_tokens
            + self.input_audio_tokens
            + self.input_image_tokens
        )

    @property
    def tokens_out(self) -> int:
        """All output, whatever its price."""
        return self.output_tokens + self.reasoning_tokens + self.output_audio_tokens


def usage_of_chat(raw: Mapping[str, Any] | None) -> Usage | None:
    """The buckets of a chat completion's `usage`; None where it is missing or makes no sense."""
    return _usage(raw, "prompt_tokens", "completion_tokens")


def usage_of_responses(raw: Mapping[str, Any] | None) -> Usage | None:
    """The buckets of a response's `usage`, and of everything younger; None where it is missing or makes no sense."""
    return _usage(raw, "input_tokens", "output_tokens")


def _usage(raw: Mapping[str, Any] | None, name_in: str, name_out: str) -> Usage | None:
    """The provider's details overlap with its totals (cached is inside input, reasoning inside output); any of them
    may be missing. A total that is smaller than its parts, or below zero, is not guessed at.
    """
    if not raw:
        return None
    total_in, total_out = raw.get(name_in), raw.get(name_out)
    if not is_count(total_in) or not is_count(total_out):
        return None
    details_in, details_out = (raw.get(f"{name}_details") or {} for name in (name_in, name_out))
    if not isinstance(details_in, Mapping) or not isinstance(details_out, Mapping):
        return None
    try:
        cached, written, audio_in, images = (
            _part(details_in, name) for name in ("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens")
        )
        reasoning, audio_out = (_part(details_out, name) for name in ("reasoning_tokens", "audio_tokens"))
    except ValueError:
        return None
    fresh = total_in - cached - written - audio_in - images
    shown = total_out - reasoning - audio_out
    if fresh < 0 or shown < 0:
        return None
    return Usage(
        input_tokens=fresh,
        cached_tokens=cached,
        cache_write_tokens=written,
        input_audio_tokens=audio_in,
        input_image_tokens=images,
        output_tokens=shown,
        reasoning_tokens=reasoning,
        output_audio_tokens=audio_out,
    )


MOST_TOKENS = 2**31 - 1
"""What a column of the log holds; a provider that counts more miscounts."""


def is_count(value: object) -> TypeGuard[int]:
    """Whether this is a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def _part(details: Mapping[str, Any], name: str) -> int:
    value = details.get(name)
    if value is None:
        return 0
    if not is_count(value):
        raise ValueError(name)
    return value

"""What the stand-in can be asked to do: one class for each address of the API."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from aiops.gateway.stand_in.said import Billed, Said, told

if TYPE_CHECKING:
    from aiops.gateway.stand_in.draft import Draft
    from aiops.gateway.stand_in.exchange import Exchange
    from aiops.gateway.stand_in.received import Received

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request is refused, as a provider would."""

    message: str
    status: int = 400
    code: str | None = None
    kind: str | None = None
    """`type` in the error object; None takes the usual one of the status."""

    def body(self) -> bytes:
        """The error as OpenAI writes it."""
        kind = self.kind or ("invalid_request_error" if self.status < 500 else "server_error")
        return json.dumps({"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer as events."""

    pieces: list[bytes]
    ending: list[bytes]
    """What says that it is whole."""


class Operation(ABC):
    """How one API reads a request and words an answer. Without state of its own, unless it says so."""

    name: ClassVar[str]

    counted: ClassVar[bool] = True
    """It asks a model: it is in the totals, and the script and the faults of the seed answer it. Rules reach all."""

    usage_words: ClassVar[tuple[str, str]] = ("input_tokens", "output_tokens")
    """How the two totals are called in its `usage`."""

    keeps_files: ClassVar[bool] = False
    """The contents of the files of a form are wanted, not only their sizes."""

    takes_no_body: ClassVar[bool] = False
    """A POST may come without one."""

    own_key: ClassVar[bool] = False
    """It is asked with another key than models are, and looks at it itself."""

    default_model: ClassVar[str] = ""
    """Asked where a request names none; empty refuses such a request."""

    tells_failure: ClassVar[bool] = False
    """It has words, and a usage, for a model that gave up."""

    def accepts(self, method: str, rest: str) -> bool:
        """Whether there is such an address.

        Args:
            rest: what follows the name in the path, from its slash on; mostly empty.
        """
        return method == "POST" and not rest

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What was asked, in the shape that Chat Completions gives it."""
        return []

    def streams(self, received: Received) -> bool:
        """Whether the answer to this request is a stream."""
        return False

    def problem(self, received: Received) -> Problem | None:
        """Why the request is refused; None where it is fine."""
        return None

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        """What this API can say by an error only; None where it has words for it."""
        if said.failure is not None:
            return Problem(status=500, code=said.failure.code, message=said.failure.message)
        if said.refusal is not None or said.finish_reason == "content_filter":
            return Problem(code="content_filter", message="The request was stopped by the content filter.")
        return None

    @abstractmethod
    def seeded(self, exchange: Exchange) -> Said:
        """What is answered where nobody has said what.

        Raises:
            Unanswerable: no answer is valid.
        """

    @abstractmethod
    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        """What this answer costs, and the `usage` that tells so."""

    def billed_by(self, usage: Mapping[str, Any] | None) -> Billed | None:
        """What a scripted usage says that it costs; None where it makes no sense."""
        return told(usage, *self.usage_words)

    @abstractmethod
    def body(self, draft: Draft) -> bytes:
        """The whole answer."""

    def content_type(self, draft: Draft) -> str:
        """What the whole answer is."""
        return JSON

    def forget(self) -> None:
        """Drop what it keeps, where it keeps anything."""
        return

    def streamed(self, draft: Draft) -> Streamed:
        """The answer as server-sent events."""
        raise NotImplementedError(f"{self.name} has no streams.")

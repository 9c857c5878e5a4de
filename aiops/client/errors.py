"""What the shop's code catches.

OpenAIClientError                  .call_id, .kind; str(error) is one sentence
├── OpenAITransportError           no answer came: .status_code, .retry_after, .retryable
├── OpenAIIncompleteError          an answer came that is not whole: .completion
└── OpenAISchemaValidationError    a whole answer came that is not what was asked for: .validation_errors, .raw_output

A call that is refused before it is made (`aiops.execution.errors.REFUSALS`: no money, no key, everything stopped)
raises that refusal itself, and bad arguments raise `ValueError`: in both cases nothing was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from openai.types.chat import ChatCompletion

from aiops.client.chat import chat_completion_of
from aiops.execution.judge import SCHEMA, Outcome
from aiops.gateway.errors import Incomplete


class OpenAIClientError(Exception):
    """A call that was made, and gave nothing that can be used."""

    def __init__(self, message: str, *, kind: str = "", call_id: UUID | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        """The word of the log: `rate_limited`, `unreachable`, `cut_off`, `schema`, …"""
        self.call_id = call_id
        """Where the log has it."""


class OpenAITransportError(OpenAIClientError):
    """No answer came."""

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        retry_after: float | None = None,
        *,
        kind: str = "",
        retryable: bool = False,
        call_id: UUID | None = None,
    ) -> None:
        super().__init__(message, kind=kind, call_id=call_id)
        self.status_code = status_code
        """HTTP status; None when none came."""
        self.retry_after = retry_after
        """Seconds that the provider asks us to wait; None when it did not."""
        self.retryable = retryable
        """Whether trying again later may help."""


class OpenAIIncompleteError(OpenAIClientError):
    """An answer came, is billed, and may not be passed on: cut off, declined, filtered or empty."""

    def __init__(
        self,
        message: str,
        completion: ChatCompletion | None = None,
        *,
        kind: str = "",
        call_id: UUID | None = None,
    ) -> None:
        super().__init__(message, kind=kind, call_id=call_id)
        self.completion = completion
        """What came, for those who want it all the same."""


class OpenAISchemaValidationError(OpenAIClientError):
    """A whole answer came that is not what was asked for."""

    def __init__(
        self,
        message: str,
        schema_name: str = "",
        validation_errors: Sequence[Any] = (),
        raw_output: str = "",
        *,
        call_id: UUID | None = None,
    ) -> None:
        super().__init__(message, kind=SCHEMA, call_id=call_id)
        self.schema_name = schema_name
        self.validation_errors = list(validation_errors)
        """One sentence each."""
        self.raw_output = raw_output
        """The answer as it came."""


def raise_for(outcome: Outcome, *, schema_name: str = "") -> Outcome:
    """The same outcome, if there is an answer in it.

    Raises:
        OpenAIClientError: there is none; which of them says why.
    """
    if outcome.succeeded:
        return outcome
    error, about = outcome.error, {"call_id": outcome.call_id}
    if outcome.error_kind == SCHEMA:
        raise OpenAISchemaValidationError(
            outcome.error_text, schema_name, outcome.problems, outcome.text, call_id=outcome.call_id
        )
    if isinstance(error, Incomplete):
        completion = chat_completion_of(outcome.completion or error.completion, outcome.call_id)
        raise OpenAIIncompleteError(outcome.error_text, completion, kind=outcome.error_kind, **about)
    raise OpenAITransportError(
        outcome.error_text,
        error.status if error else None,
        error.retry_after if error else None,
        kind=outcome.error_kind,
        retryable=error.retryable if error else False,
        **about,
    )

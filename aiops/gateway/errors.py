"""What can go wrong between asking a provider and holding its answer.

GatewayError
├── Transient                trying again may help
│   ├── RateLimited          .retry_after
│   ├── Unreachable          the request surely never arrived
│   ├── ServerFault          the provider said that it failed
│   ├── Interrupted          it may have arrived, the answer is lost: perhaps billed
│   ├── Abandoned            nobody waited for the answer: perhaps billed
│   └── Unanswered           its batch ended before it was asked
└── Permanent                trying again will not
    ├── QuotaExhausted       the account has no credit left
    ├── BadKey               the key is wrong, or may not do this
    ├── BadRequest           the provider refuses the request itself
    │   └── TooLong          more than the model can read at once
    ├── Malformed            an answer came that is none: perhaps billed
    └── Incomplete           an answer came that may not be passed on: billed
        ├── CutOff           the output limit was reached
        ├── Refused          the model declined
        ├── Filtered         the provider's filter stopped it
        └── Empty            no choice, or nothing in it
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from aiops.gateway.completion import Completion


HIDDEN = "***"


class Billed(StrEnum):
    """Whether an attempt that failed may have cost money."""

    NO = "no"
    PERHAPS = "perhaps"
    YES = "yes"


class GatewayError(Exception):
    """An attempt that did not give a usable answer. `str(error)` is one sentence for people."""

    kind: ClassVar[str] = "gateway"
    """The word that the log, the screens and the filters use."""

    retryable: ClassVar[bool] = False
    billed: ClassVar[Billed] = Billed.NO

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status, or None when none came."""
        self.retry_after = retry_after
        """Seconds that the provider asks us to wait, as it said them; None when it did not."""
        self.request_id = request_id
        self.raw = raw
        """The body as it came, or as much of it as is kept."""

    def forget(self, secret: str | None) -> None:
        """Take a secret out of what is said and kept: some servers say back the key that they refuse."""
        if secret:
            self.args = tuple(str(said).replace(secret, HIDDEN) for said in self.args)
            self.raw = self.raw.replace(secret, HIDDEN)


class Transient(GatewayError):
    retryable = True


class RateLimited(Transient):
    kind = "rate_limited"


class Unreachable(Transient):
    kind = "unreachable"


class ServerFault(Transient):
    kind = "server_fault"


class Interrupted(Transient):
    kind = "interrupted"
    billed = Billed.PERHAPS


class Abandoned(Transient):
    kind = "abandoned"
    billed = Billed.PERHAPS


class Unanswered(Transient):
    kind = "unanswered"


class Permanent(GatewayError):
    pass


class QuotaExhausted(Permanent):
    kind = "quota_exhausted"


class BadKey(Permanent):
    kind = "bad_key"


class BadRequest(Permanent):
    kind = "bad_request"


class TooLong(BadRequest):
    kind = "too_long"


class Malformed(Permanent):
    kind = "malformed"
    billed = Billed.PERHAPS


class Incomplete(Permanent):
    """An answer came and is billed; `.completion` holds all of it, usage included."""

    kind = "incomplete"
    billed = Billed.YES

    def __init__(self, message: str, completion: Completion) -> None:
        super().__init__(message, status=200, request_id=completion.request_id, raw=completion.text)
        self.completion = completion


class CutOff(Incomplete):
    kind = "cut_off"


class Refused(Incomplete):
    kind = "refused"


class Filtered(Incomplete):
    kind = "filtered"


class Empty(Incomplete):
    kind = "empty"

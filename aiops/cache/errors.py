"""Why the cache would not.

CacheError
├── InvalidLifetime      nothing can be kept for so long, or so short
└── WaitedTooLong        somebody else asks the same, and has no answer yet
"""

from __future__ import annotations

from django.utils.translation import gettext as _


class CacheError(Exception):
    """`str(error)` is one sentence."""

    kind = "cache"


class InvalidLifetime(CacheError):
    def __init__(self, ttl: object, most: int) -> None:
        super().__init__(
            _(
                "An answer cannot be kept for %(ttl)s seconds: it must be above zero and at most %(most)s. "
                "Not to keep any, switch the cache off."
            )
            % {"ttl": ttl, "most": most}
        )


class WaitedTooLong(CacheError):
    """Nothing was sent, and nothing was spent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            _("The same is being asked already, and there was no answer within %(n)s seconds: try again later.")
            % {"n": f"{seconds:g}"}
        )

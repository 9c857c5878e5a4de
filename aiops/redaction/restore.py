"""Putting values back where a model wrote their tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from aiops.redaction.stream import RestoredStream
from aiops.redaction.tokens import name_in, written


class Restorer:
    """Knows the values behind the tokens of one call.

    It lives as long as the call and no longer: it shows nobody what it knows, and cannot be written anywhere.
    """

    __slots__ = ("_kinds", "_values")

    def __init__(self, values: Mapping[str, str], kinds: Mapping[str, str]) -> None:
        """
        Args:
            values: by name of the token (`EMAIL_1`).
            kinds: of the same names (`email`).
        """
        self._values = dict(values)
        self._kinds = dict(kinds)

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each kind there are: `{"email": 2, "iban": 1}`."""
        return dict(sorted(Counter(self._kinds.values()).items()))

    def text(self, answer: str) -> str:
        """`answer` with values for tokens. What is put in is not looked at again.

        Where the answer is JSON, parse it first and give it to `data`: a value may hold a quotation mark.
        """
        if not self._values:
            return answer
        return written(self._all_kinds).sub(self._value, answer)

    def data(self, parsed: Any) -> Any:
        """Parsed JSON with values for tokens in its texts. Keys stay: they are the schema's words."""
        if not self._values:
            return parsed
        match parsed:
            case str():
                return self.text(parsed)
            case list():
                return [self.data(value) for value in parsed]
            case dict():
                return {key: self.data(value) for key, value in parsed.items()}
        return parsed

    def stream(self) -> RestoredStream:
        """For one answer that comes in pieces."""
        return RestoredStream(self._all_kinds, self._value)

    @property
    def _all_kinds(self) -> frozenset[str]:
        return frozenset(self._kinds.values())

    def _value(self, match: re.Match[str]) -> str:
        # A token that nobody gave out is whatever the model meant by it.
        return self._values.get(name_in(match), match[0])

    def __repr__(self) -> str:
        return f"<Restorer: {', '.join(f'{n} {kind}' for kind, n in self.counts.items()) or 'nothing'}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            _("A Restorer holds what may not leave this process: it is neither pickled nor copied; keep its counts.")
        )


NOTHING = Restorer({}, {})
"""Where nothing was redacted."""

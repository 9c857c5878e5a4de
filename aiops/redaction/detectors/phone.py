"""Numbers of telephones, by Google's rules for every country. Needs the extra `phones`."""

from __future__ import annotations

from collections.abc import Iterator

from aiops.redaction.found import Found

try:
    from phonenumbers import Leniency, PhoneNumberMatcher
except ImportError as error:
    raise ImportError('it needs the extra "phones": pip install "django-aiops[phones]"') from error


class Phones:
    """Finds numbers that exist by the rules of their country. Kind: `phone`.

    `Phones()` knows those with a country code, `+49 30 901820`; `Phones("DE", "AT")` also `030 901820`, as it is
    written within these.
    """

    def __init__(self, *countries: str) -> None:
        """
        Args:
            countries: ISO codes of two letters.
        """
        self.countries = countries or (None,)

    def __call__(self, text: str) -> Iterator[Found]:
        for country in self.countries:
            # The library gives up after so many that are none; the last number of a text counts like the first.
            for match in PhoneNumberMatcher(text, country, Leniency.VALID, len(text) + 1):
                yield Found(match.start, match.end, "phone")


phones = Phones()

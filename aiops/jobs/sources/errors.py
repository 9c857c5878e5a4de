"""What can be wrong with a source. Each is found before anything is made; `str(error)` is one sentence for people.

SourceError
├── EmptySource            no row in it
├── UnreadableRow          .key: the shop's own code failed on it
├── MissingVariables       .missing .available: the version asks for what no row gives
├── BadSelection           what was said about which rows
│   ├── UnknownModel       .choices
│   ├── UnknownField       .choices
│   ├── BadFilter          no lookup of that name, or a value that the field cannot hold
│   └── BadLimit
└── BadFile                .name
    ├── WrongFormat        not what its name says, or nothing that can be read
    ├── TooBig             .limit
    ├── BadEncoding        .line
    ├── BadColumns         blank, doubled, unusable as a name, or none
    └── BadRow             .line
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from django.utils.translation import gettext


class SourceError(ValueError):
    """The rows cannot be read as asked."""


class EmptySource(SourceError):
    pass


class UnreadableRow(SourceError):
    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


class MissingVariables(SourceError):
    def __init__(self, message: str, missing: Iterable[str], available: Iterable[str]) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.available = tuple(available)


class BadSelection(SourceError):
    pass


class UnknownModel(BadSelection):
    def __init__(self, message: str, choices: Iterable[str]) -> None:
        super().__init__(message)
        self.choices = tuple(choices)


class UnknownField(BadSelection):
    def __init__(self, message: str, choices: Iterable[str]) -> None:
        super().__init__(message)
        self.choices = tuple(choices)


class BadFilter(BadSelection):
    pass


class BadLimit(BadSelection):
    pass


class BadFile(SourceError):
    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name
        """The file's own name, without a directory."""


class WrongFormat(BadFile):
    pass


class TooBig(BadFile):
    def __init__(self, message: str, name: str, limit: int) -> None:
        super().__init__(message, name)
        self.limit = limit


class BadEncoding(BadFile):
    def __init__(self, message: str, name: str, line: int) -> None:
        super().__init__(message, name)
        self.line = line


class BadColumns(BadFile):
    pass


class BadRow(BadFile):
    def __init__(self, message: str, name: str, line: int) -> None:
        super().__init__(message, name)
        self.line = line
        """Counted from 1, the header included: what an editor or a spreadsheet shows; in JSON the place in the list."""


def choose_from(wanted: str, choices: Iterable[str]) -> str:
    """The end of a sentence that names the choices, and first the one that was perhaps meant."""
    named = sorted(choices)
    if not named:
        return gettext("there is none")
    close = get_close_matches(wanted, named, n=1, cutoff=0.6)
    if close:
        return gettext("did you mean “%(close)s”? There are: %(all)s") % {"close": close[0], "all": ", ".join(named)}
    return gettext("there are: %(all)s") % {"all": ", ".join(named)}

"""What can go wrong with a prompt, before anything is asked. `str(error)` is one sentence with the remedy.

PromptError
├── NotFound
│   ├── UnknownPrompt
│   ├── UnknownVersion
│   └── MissingLabel
├── NotRendered             the messages could not be made
│   ├── UndefinedVariable   .name
│   ├── BrokenTemplate
│   ├── Forbidden           the template reaches for what a prompt may not touch
│   ├── NotPlainData        .name; a variable is no text, number, date, list or dictionary
│   └── TooLarge            too big, too deep or too slow
├── InvalidContent          .problems: all of them at once
│   └── InvalidSchema
├── Unchanged               .version; the latest version says exactly this already
├── ContentIsFixed          somebody tried to change a version
├── Tampered                a version was changed behind its back
└── BadFile                 a file of prompts cannot be loaded
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from prompts.models import PromptVersion, SchemaVersion


class PromptError(Exception):
    """Something about a prompt is not right; nothing was asked and nothing was spent."""


class NotFound(PromptError):
    """There is no such thing; the message names those that exist."""


class UnknownPrompt(NotFound):
    pass


class UnknownVersion(NotFound):
    pass


class MissingLabel(NotFound):
    pass


class NotRendered(PromptError):
    """The messages could not be made."""


class UndefinedVariable(NotRendered):
    """The template reads a variable that was not given."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class BrokenTemplate(NotRendered):
    """The template cannot be understood, or fails on these variables."""


class Forbidden(NotRendered):
    """The template reaches for what a prompt may not touch."""


class NotPlainData(NotRendered):
    """A variable holds something other than plain data."""

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class TooLarge(NotRendered):
    """The template or what it makes is too big, too deep, or takes too long."""


class InvalidContent(PromptError):
    """A version would not be usable. `str(error)` says all problems."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)
        """One sentence each."""


class InvalidSchema(InvalidContent):
    pass


class Unchanged(PromptError):
    """The latest version says exactly this already: no version was added."""

    def __init__(self, version: PromptVersion | SchemaVersion) -> None:
        super().__init__(
            _("%(version)s says exactly this already: change something, or use that version.") % {"version": version}
        )
        self.version: Any = version


class ContentIsFixed(PromptError):
    """A version's content never changes."""


class Tampered(PromptError):
    """The content of a version is not what was saved."""


class BadFile(PromptError):
    """A file of prompts or schemas cannot be loaded; nothing was."""


def choices(names: Iterable[str]) -> str:
    """`a, b, c`, or "none" where there is nothing to choose from; at most 20 names."""
    found = sorted(names)
    if not found:
        return _("none")
    return ", ".join(found[:20]) + (", …" if len(found) > 20 else "")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """` Did you mean "x"?` with its leading space, or nothing where no name is near."""
    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return " " + _('Did you mean "%(name)s"?') % {"name": near[0]} if near else ""

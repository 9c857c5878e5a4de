"""Messages out of a version and its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.utils.translation import gettext as _
from jinja2.exceptions import SecurityError

from prompts.errors import BrokenTemplate, Forbidden, NotRendered, TooLarge, UndefinedVariable, choices, did_you_mean
from prompts.rendering.environment import MissingName
from prompts.rendering.limits import RENDERED_BYTES, Meter, meter, too_long
from prompts.rendering.plain import plain_variables
from prompts.rendering.syntax import compiled, sentence
from prompts.rendering.text import mended

if TYPE_CHECKING:
    from prompts.models import PromptVersion


class RenderedMessage(TypedDict):
    """One message as it is sent."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What a version asks about one row."""

    messages: tuple[RenderedMessage, ...]
    size: int
    """Bytes of UTF-8 in all messages: never fewer than their tokens."""


def render(version: PromptVersion, variables: Mapping[str, object]) -> RenderedPrompt:
    """The messages of a version with its variables filled in. Variables that no template reads are left out.

    NULs and halves of characters in the result, which rows may hold and no provider takes, become U+FFFD.

    Raises:
        UndefinedVariable: a template reads what was not given.
        NotPlainData: a variable is no plain data.
        Forbidden, BrokenTemplate: a template does what it may not, or fails on these variables.
        TooLarge: too big or too slow.
    """
    return render_messages(version.messages, variables)


def render_messages(messages: list[dict[str, str]], variables: Mapping[str, object]) -> RenderedPrompt:
    """Like `render`, for messages that are no version yet."""
    reads = [compiled(message["content"]) for message in messages]
    wanted = frozenset[str]().union(*(one.required | one.optional for one in reads))
    data = plain_variables({name: value for name, value in variables.items() if name in wanted})
    token = meter.set(Meter())
    try:
        rendered = []
        size = 0
        for position, (message, template) in enumerate(zip(messages, reads, strict=True), start=1):
            try:
                text = template.render(data)
            except Exception as error:
                raise explained(error, position, message["role"], variables) from error
            encoded = len(text.encode("utf-8", "surrogatepass"))
            size += encoded
            if size > RENDERED_BYTES:
                raise explained(too_long(), position, message["role"], variables)
            # Plain ASCII without a NUL, the common case, has nothing to mend.
            if encoded != len(text) or "\x00" in text:
                text = mended(text)
            rendered.append(RenderedMessage(role=message["role"], content=text))
    finally:
        meter.reset(token)
    return RenderedPrompt(tuple(rendered), size)


def explained(error: Exception, position: int, role: str, variables: Mapping[str, object]) -> NotRendered:
    """Our own error for whatever ended a rendering, with the message it happened in."""
    where = {"n": position, "role": role}
    match error:
        case MissingName():
            known = list(variables) if error.known is None else error.known
            text = _('Message %(n)d (%(role)s) reads "%(name)s", which is not there.%(hint)s There is: %(known)s.')
            return UndefinedVariable(
                text % {**where, "name": error.name, "hint": did_you_mean(error.name, known), "known": choices(known)},
                name=error.name,
            )
        case TooLarge():
            return TooLarge(_("Message %(n)d (%(role)s): %(error)s") % {**where, "error": error})
        case SecurityError():
            text = _("Message %(n)d (%(role)s) does what a prompt may not: %(error)s")
            return Forbidden(text % {**where, "error": sentence(str(error))})
        case RecursionError() | MemoryError():
            return TooLarge(_("Message %(n)d (%(role)s) goes too deep: make it flatter.") % where)
    text = _("Message %(n)d (%(role)s) fails on these variables: %(error)s")
    problem = sentence(f"{type(error).__name__}: {error}" if not isinstance(error, NotRendered) else str(error))
    return BrokenTemplate(text % {**where, "error": problem})


__all__ = ["RenderedMessage", "RenderedPrompt", "render", "render_messages"]

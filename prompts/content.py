"""Whether the content of a version would be usable, before it is saved."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from prompts.canonical import canonical
from prompts.errors import NotRendered
from prompts.fallbacks import problems_of_fallbacks
from prompts.rendering.limits import MESSAGES_CHARS
from prompts.rendering.syntax import compiled
from prompts.rendering.text import holds_bad_characters

ROLES = ("system", "developer", "user", "assistant")

MESSAGES = 100
"""Most messages of a version."""

OUTPUT_TOKENS = 1_000_000
"""Most that an output limit may be: more is a slip of the finger."""

OURS = {
    "model": "model",
    "messages": "messages",
    "max_tokens": "output limit",
    "max_completion_tokens": "output limit",
    "max_output_tokens": "output limit",
    "response_format": "schema",
    "stream": "",
    "stream_options": "",
    "n": "",
}
"""Parameters that a version says elsewhere, with the field's name; blank where it is never the author's to say."""


def problems_of_content(messages: Any, parameters: Any, output_limit: Any, fallbacks: Any = ()) -> list[str]:
    """One sentence for each thing that is wrong; empty when the content is fine."""
    return (
        problems_of_messages(messages)
        + problems_of_parameters(parameters)
        + problems_of_limit(output_limit)
        + problems_of_fallbacks(fallbacks)
    )


def problems_of_messages(messages: Any) -> list[str]:
    """Shape, roles, and every template's syntax."""
    if not isinstance(messages, list) or not messages:
        return [_("A version needs at least one message.")]
    if len(messages) > MESSAGES:
        return [_("A version has at most %(limit)d messages.") % {"limit": MESSAGES}]
    chars = sum(len(message["content"]) for message in messages if _has_text(message))
    if chars > MESSAGES_CHARS:
        return [
            _(
                "The messages have %(n)s characters together: at most %(limit)s are allowed; "
                "give long texts as variables."
            )
            % {"n": f"{chars:,}", "limit": f"{MESSAGES_CHARS:,}"}
        ]
    return [problem for position, message in enumerate(messages, start=1) for problem in _of_message(position, message)]


def _has_text(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("content"), str)


def _of_message(position: int, message: Any) -> list[str]:
    if not isinstance(message, dict) or set(message) != {"role", "content"}:
        return [_('Message %(n)d is not of the form {"role": …, "content": …}.') % {"n": position}]
    role, content = message["role"], message["content"]
    if role not in ROLES:
        return [
            _('Message %(n)d has the role "%(role)s": choose one of %(roles)s.')
            % {"n": position, "role": role, "roles": ", ".join(ROLES)}
        ]
    if not isinstance(content, str) or not content.strip():
        return [_("Message %(n)d (%(role)s) is empty: write something or remove it.") % {"n": position, "role": role}]
    try:
        compiled(content)
    except NotRendered as error:
        return [_("Message %(n)d (%(role)s): %(error)s") % {"n": position, "role": role, "error": error}]
    return []


def problems_of_parameters(parameters: Any) -> list[str]:
    """A plain JSON object that says nothing which the version says elsewhere."""
    if not isinstance(parameters, dict):
        return [_('Parameters are a JSON object, such as {"temperature": 0}.')]
    try:
        canonical(parameters)
    except (TypeError, ValueError, RecursionError):
        return [_("Parameters are plain JSON: no NaN, no infinity, nothing but text, numbers, lists and objects.")]
    problems = []
    for name in sorted(set(parameters) & set(OURS)):
        if OURS[name]:
            problems.append(
                _('"%(name)s" does not belong in the parameters: use the field "%(field)s".')
                % {"name": name, "field": OURS[name]}
            )
        else:
            problems.append(_('"%(name)s" does not belong in the parameters: remove it.') % {"name": name})
    if holds_bad_characters(parameters):
        problems.append(_("Parameters hold a NUL or half a character: remove it."))
    return problems


def problems_of_limit(output_limit: Any) -> list[str]:
    """A whole number of tokens that makes sense."""
    if isinstance(output_limit, bool) or not isinstance(output_limit, int) or not 1 <= output_limit <= OUTPUT_TOKENS:
        return [
            _("The output limit is a whole number of tokens from 1 to %(limit)s.") % {"limit": f"{OUTPUT_TOKENS:,}"}
        ]
    return []

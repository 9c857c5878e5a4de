"""From what people write to the version they mean."""

from __future__ import annotations

from django.utils.translation import gettext as _

from prompts.errors import MissingLabel, UnknownPrompt, UnknownVersion, choices, did_you_mean
from prompts.models import Label, Prompt, PromptVersion
from prompts.models.version import PRODUCTION
from prompts.numbers import number_in


def find_version(ref: str) -> PromptVersion:
    """The version that `triage-ticket` (its label production), `triage-ticket@staging` or `triage-ticket@7` means.

    Raises:
        UnknownPrompt: no prompt has this name.
        UnknownVersion: no version has this number.
        MissingLabel: the prompt has no such label; the message names those that exist. Never a fallback.
    """
    name, _at, suffix = ref.strip().partition("@")
    suffix = suffix or PRODUCTION
    versions = PromptVersion.objects.whole().filter(prompt__name=name)
    found: PromptVersion | None
    if suffix.isdecimal():
        number = number_in(suffix)
        found = None if number is None else versions.filter(number=number).first()
    else:
        found = versions.filter(labels__name=suffix).first()
    if found is None:
        raise _not_found(name, suffix)
    return found


def _not_found(name: str, suffix: str) -> UnknownPrompt | UnknownVersion | MissingLabel:
    prompt = Prompt.objects.filter(name=name).first()
    if prompt is None:
        names = list(Prompt.objects.values_list("name", flat=True))
        return UnknownPrompt(
            _('There is no prompt "%(name)s".%(hint)s There is: %(known)s.')
            % {"name": name, "hint": did_you_mean(name, names), "known": choices(names)}
        )
    latest = prompt.versions.order_by("-number").values_list("number", flat=True).first()
    if latest is None:
        return UnknownVersion(_('The prompt "%(name)s" has no version yet: write one.') % {"name": name})
    if suffix.isdecimal():
        return UnknownVersion(
            _('The prompt "%(name)s" has no version %(number)s. Its latest is %(latest)s.')
            % {"name": name, "number": suffix, "latest": latest}
        )
    labels = list(Label.objects.filter(prompt=prompt).values_list("name", flat=True))
    return MissingLabel(
        _('The prompt "%(name)s" has no label "%(label)s": point it to a version first. There is: %(known)s.')
        % {"name": name, "label": suffix, "known": choices(labels)}
    )

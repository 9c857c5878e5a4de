"""What a budget is for: everything, or calls of one connection, prompt, user, group or job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.gateway.connections import connection_options
from prompts.models import Prompt


class Scope(models.TextChoices):
    """What of all calls a budget counts."""

    EVERYTHING = "everything", gettext_lazy("everything")
    CONNECTION = "connection", gettext_lazy("a connection")
    PROMPT = "prompt", gettext_lazy("a prompt")
    USER = "user", gettext_lazy("a user")
    GROUP = "group", gettext_lazy("a group of users")
    JOB = "job", gettext_lazy("a job")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedTo:
    """Whom and what a call is charged to."""

    connection: str = ""
    """Alias of the one that is asked."""

    prompt_id: int | None = None
    """None: the shop's own code asks, in its own words."""

    user_id: Any = None
    """None: nobody is known to ask."""

    job_id: int | None = None

    def subjects(self, scope: str, groups: Sequence[int]) -> list[str]:
        """The subjects of a scope that it counts for; empty where it is none of its business.

        Args:
            groups: keys of the groups of its user.
        """
        found = {
            Scope.EVERYTHING: "",
            Scope.CONNECTION: self.connection,
            Scope.PROMPT: self.prompt_id,
            Scope.USER: self.user_id,
            Scope.JOB: self.job_id,
        }
        if scope == Scope.GROUP:
            return [str(group) for group in groups]
        value = found[Scope(scope)]
        return [] if value is None else [str(value)]


EVERYBODY = ChargedTo()
"""Nothing is known: only budgets over everything count it."""


def groups_of(user_ids: Iterable[Any]) -> dict[Any, list[int]]:
    """User → keys of the groups that they are in. One query, or none; a site's own users may know no groups."""
    found: dict[Any, list[int]] = {user_id: [] for user_id in user_ids if user_id is not None}
    users: Any = get_user_model()
    if found and hasattr(users, "groups"):
        members = users._default_manager.filter(pk__in=found, groups__isnull=False).order_by("groups")
        for user_id, group_id in members.values_list("pk", "groups"):
            found[user_id].append(group_id)
    return found


def names_of(scope: str, subjects: Iterable[str]) -> dict[str, str]:
    """Subject → what people call it: a user's name, not the key. One query, or none."""
    found = {subject: subject for subject in subjects}
    if scope in (Scope.EVERYTHING, Scope.CONNECTION) or not any(found):
        return found
    if scope == Scope.JOB:
        return {subject: subject and _("job %(number)s") % {"number": subject} for subject in found}
    model, name = _named_by(scope)
    rows = model._default_manager.filter(pk__in=[subject for subject in found if subject])
    names = {str(pk): str(called) for pk, called in rows.values_list("pk", name)}
    return {subject: subject and names.get(subject, _("one that is gone")) for subject in found}


def key_of(scope: str, name: str) -> str:
    """The subject that people call so.

    Raises:
        ValueError: there is none; the sentence says what would be.
    """
    match scope:
        case Scope.EVERYTHING:
            raise ValueError(_("A budget over everything is of nothing in particular: leave this empty."))
        case Scope.CONNECTION:
            if name not in connection_options():
                known = ", ".join(sorted(connection_options()))
                raise ValueError(
                    _("There is no connection “%(name)s”: use one of %(known)s.") % {"name": name, "known": known}
                )
            return name
        case Scope.JOB:
            if not name.isdecimal():
                raise ValueError(_("“%(name)s” is no number of a job.") % {"name": name})
            return str(int(name))
    model, field = _named_by(scope)
    key = model._default_manager.filter(**{field: name}).values_list("pk", flat=True).first()
    if key is None:
        what = model._meta.verbose_name
        raise ValueError(_("There is no %(what)s “%(name)s”.") % {"what": what, "name": name})
    return str(key)


def _named_by(scope: str) -> tuple[Any, str]:
    """The model of a scope's subjects, and the field by which people call them."""
    users: Any = get_user_model()
    models_by_scope: dict[str, tuple[Any, str]] = {
        Scope.PROMPT: (Prompt, "name"),
        Scope.GROUP: (Group, "name"),
        Scope.USER: (users, users.USERNAME_FIELD),
    }
    return models_by_scope[scope]

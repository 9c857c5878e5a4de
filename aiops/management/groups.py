"""Ready-made groups: who may do what in the AI back office.

Who publishes decides what every job and every line of the shop's code asks from then on; that is a role of its own, the
author lead, and not part of being an author. Money and data are apart as well: runners spend, payers set how much may
be spent, and stop every call, reviewers read what was asked and answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

LOOK_AT_PROMPTS = tuple(
    f"prompts.view_{model}" for model in ("prompt", "promptversion", "label", "outputschema", "schemaversion")
)
LOOK_AT_JOBS = ("aiops.view_job", "aiops.view_item", "aiops.view_call")
WRITE_PROMPTS = tuple(
    f"prompts.{verb}_{model}"
    for verb in ("add", "change")
    for model in ("prompt", "promptversion", "outputschema", "schemaversion")
)
LOOK_AT_MODELS = ("aiops.view_modelcard",)
LOOK_AT_MONEY = ("aiops.view_budget", "aiops.view_budgetperiod", "aiops.view_ownprice")

# The names begin with AI: a shop's own group “author” must not wake up with permissions that nobody gave it.
GROUPS: dict[str, tuple[str, ...]] = {
    "AI author": (*LOOK_AT_PROMPTS, *WRITE_PROMPTS, *LOOK_AT_MODELS),
    "AI author lead": (*LOOK_AT_PROMPTS, *WRITE_PROMPTS, "prompts.publish_prompt", *LOOK_AT_JOBS, *LOOK_AT_MODELS),
    "AI runner": (*LOOK_AT_PROMPTS, *LOOK_AT_JOBS, *LOOK_AT_MODELS, "aiops.run_job"),
    "AI reviewer": (*LOOK_AT_PROMPTS, *LOOK_AT_JOBS, *LOOK_AT_MODELS, "aiops.view_call_body"),
    "AI payer": (
        "aiops.view_job",
        "aiops.view_call",
        *LOOK_AT_MONEY,
        "aiops.add_budget",
        "aiops.change_budget",
        "aiops.add_ownprice",
        "aiops.change_ownprice",
        "aiops.view_cachedanswer",
        "aiops.delete_cachedanswer",
        *LOOK_AT_MODELS,
        "aiops.add_modelcard",
        "aiops.change_modelcard",
        "aiops.stop_calls",
    ),
}


class PermissionsMissing(Exception):
    """The database does not know all permissions yet; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """What was done, or would be, for one group."""

    name: str

    new: bool
    """Whether there was no such group."""

    added: tuple[str, ...]
    """Permissions, as `app.codename`, that it did not have."""

    @property
    def sentence(self) -> str:
        """The change as people read it."""
        count = ngettext("%(n)d permission", "%(n)d permissions", len(self.added)) % {"n": len(self.added)}
        if self.new:
            return _("%(group)s: made, with %(count)s") % {"group": self.name, "count": count}
        if self.added:
            return _("%(group)s: %(count)s added (%(names)s)") % {
                "group": self.name,
                "count": count,
                "names": ", ".join(self.added),
            }
        return _("%(group)s: nothing to do") % {"group": self.name}


@transaction.atomic
def create_groups(*, dry_run: bool = False) -> list[GroupChange]:
    """Make the groups that are missing, and give each the permissions it lacks. Nothing is ever taken away.

    Args:
        dry_run: say what would be done, and do nothing.

    Raises:
        PermissionsMissing: the migrations have not been run.
    """
    known = _permissions({name for names in GROUPS.values() for name in names})
    changes = []
    for name, wanted in GROUPS.items():
        group = Group.objects.filter(name=name).first()
        has = set(group.permissions.values_list("pk", flat=True)) if group else set()
        added = [permission for permission in wanted if known[permission].pk not in has]
        changes.append(GroupChange(name=name, new=group is None, added=tuple(added)))
        if not dry_run:
            group = group or Group.objects.create(name=name)
            group.permissions.add(*(known[permission] for permission in added))
    return changes


def _permissions(names: Iterable[str]) -> dict[str, Permission]:
    wanted = sorted(names)
    which = Q()
    for name in wanted:
        app, codename = name.split(".")
        which |= Q(content_type__app_label=app, codename=codename)
    found = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.filter(which).select_related("content_type")
    }
    missing = [name for name in wanted if name not in found]
    if missing:
        raise PermissionsMissing(
            _("The database does not know %(names)s: run manage.py migrate first.") % {"names": ", ".join(missing)}
        )
    return found

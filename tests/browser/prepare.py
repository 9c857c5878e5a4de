"""Fills the site before its first visitor: tables, prompts, tickets, and one member of staff for each role.

Run as a process of its own: `python -m tests.browser.prepare`.
"""

from __future__ import annotations

import django

TICKETS = 60
PASSWORD = "of-the-test-site-only"
ROLES = {
    "author": ("AI author",),
    "lead": ("AI author lead",),
    "runner": ("AI runner",),
    "reviewer": ("AI reviewer",),
    "payer": ("AI payer",),
    "plain": (),
}
"""User → groups."""


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group, Permission
    from django.core.management import call_command

    from aiops.jobs.schedules.model import JobSchedule
    from prompts.models import Prompt

    call_command("migrate", verbosity=0)
    call_command("load_prompts", "fixtures")
    call_command("load_tickets", "fixtures/tickets.csv", limit=TICKETS)
    call_command("create_groups")
    users = get_user_model().objects
    boss = users.create_superuser("admin", password=PASSWORD)
    once_a_year = {"row_model": "helpdesk.Ticket", "every": 365 * 24 * 60, "owner": boss}
    JobSchedule.objects.create(name="Once a year", prompt=Prompt.objects.earliest("pk"), **once_a_year)
    for name, groups in ROLES.items():
        user = users.create_user(name, password=PASSWORD, is_staff=True)
        user.groups.set(Group.objects.filter(name__in=groups))
        assert user.groups.count() == len(groups)
    # Whose tickets these are is the shop's business, not that of the groups of the AI back office.
    users.get(username="runner").user_permissions.add(Permission.objects.get(codename="view_ticket"))


if __name__ == "__main__":
    main()

"""The command that makes the groups."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

from aiops.management.groups import GROUPS

pytestmark = pytest.mark.django_db

MADE = (
    "AI author: made, with 14 permissions\n"
    "AI author lead: made, with 18 permissions\n"
    "AI runner: made, with 10 permissions\n"
    "AI reviewer: made, with 10 permissions\n"
    "AI payer: made, with 15 permissions\n"
)
NOTHING = "".join(f"{name}: nothing to do\n" for name in GROUPS)


def run(*args):
    out = StringIO()
    call_command("create_groups", *args, stdout=out)
    return out.getvalue()


def may(group, permission):
    user = get_user_model().objects.create_user(f"member of {group}")
    user.groups.add(Group.objects.get(name=group))
    return user.has_perm(permission)


def test_the_groups_are_made_once():
    assert run() == MADE + (
        "Put people into them in the admin, and give runners the permission to view the models "
        "whose rows they may run prompts over.\n"
    )
    assert run() == NOTHING


def test_a_dry_run_says_the_same_and_does_nothing():
    assert run("--dry-run") == MADE + "Nothing was changed (dry run).\n"
    assert not Group.objects.exists()


def test_what_a_shop_added_stays_and_what_it_took_comes_back():
    run()
    runner = Group.objects.get(name="AI runner")
    run_job = Permission.objects.get(content_type__app_label="aiops", codename="run_job")
    own = Permission.objects.get(content_type__app_label="helpdesk", codename="view_ticket")
    runner.permissions.remove(run_job)
    runner.permissions.add(own)
    assert "AI runner: 1 permission added (aiops.run_job)\n" in run()
    assert runner.permissions.filter(pk__in=[own.pk, run_job.pk]).count() == 2


def test_a_group_of_the_shop_with_a_similar_name_is_left_alone():
    shop = Group.objects.create(name="author")
    run()
    assert not shop.permissions.exists()


@pytest.mark.parametrize(
    ("permission", "groups"),
    [
        ("prompts.publish_prompt", {"AI author lead"}),
        ("prompts.add_promptversion", {"AI author", "AI author lead"}),
        ("prompts.view_prompt", {"AI author", "AI author lead", "AI runner", "AI reviewer"}),
        ("aiops.run_job", {"AI runner"}),
        ("aiops.change_budget", {"AI payer"}),
        ("aiops.view_call_body", {"AI reviewer"}),
        ("aiops.view_call", {"AI author lead", "AI runner", "AI reviewer", "AI payer"}),
        ("aiops.view_item", {"AI author lead", "AI runner", "AI reviewer"}),
        ("prompts.delete_prompt", set()),
        ("aiops.delete_call", set()),
    ],
)
def test_who_may(permission, groups):
    run()
    assert {name for name in GROUPS if may(name, permission)} == groups


def test_a_database_without_the_permissions_is_one_sentence_and_exit_code_2():
    Permission.objects.filter(codename="run_job").delete()
    with pytest.raises(CommandError) as refused:
        run()
    assert str(refused.value) == "The database does not know aiops.run_job: run manage.py migrate first."
    assert refused.value.returncode == 2
    assert not Group.objects.exists()

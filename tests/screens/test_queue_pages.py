"""The queue's own schedules and stored tasks mean running code: they are for superusers alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success, Task

pytestmark = pytest.mark.django_db

PAGES = ("schedule", "success", "failure", "ormq")


@pytest.fixture
def everything_of_the_queue():
    found = Permission.objects.filter(content_type__app_label="django_q")
    return [f"django_q.{permission.codename}" for permission in found]


@pytest.fixture
def failure(db):
    times = {"started": timezone.now(), "stopped": timezone.now()}
    Task.objects.create(id="f" * 32, name="failed", func="os.system", args=("true",), success=False, **times)
    return Failure.objects.get()


@pytest.mark.parametrize("page", PAGES)
def test_staff_with_every_permission_of_the_queue_open_none_of_its_pages(
    sign_in, boss, everything_of_the_queue, failure, page
):
    staff = sign_in(*everything_of_the_queue)
    address = f"/admin/django_q/{page}/"
    assert (staff.get(address).status_code, boss.get(address).status_code) == (403, 200)
    assert staff.get(f"{address}add/").status_code == 403


def test_nor_run_a_task_again_or_plan_one(sign_in, everything_of_the_queue, failure):
    staff = sign_in(*everything_of_the_queue)
    staff.post("/admin/django_q/failure/", {"action": "resubmit_task", "_selected_action": [failure.pk]})
    planned = {"func": "os.system", "args": "'true'", "schedule_type": "O", "repeats": "-1", "name": "mine"}
    assert staff.post("/admin/django_q/schedule/add/", planned).status_code == 403
    assert not OrmQ.objects.exists() and not Schedule.objects.filter(name="mine").exists()
    assert Failure.objects.exists() and not Success.objects.exists()


def test_nor_are_they_shown_the_way_there(sign_in, boss, everything_of_the_queue):
    staff = sign_in(*everything_of_the_queue)
    assert "/admin/django_q/" not in staff.get("/admin/").content.decode()
    assert "/admin/django_q/schedule/" in boss.get("/admin/").content.decode()

"""A schedule that is due each night at two, for the first time on the first of December."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Permission, User

from aiops.jobs.schedules.model import JobSchedule

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NIGHT = datetime(2026, 12, 1, 2, tzinfo=UTC)


def may(user, *permissions):
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)


def make(triage, who, name="Nightly", **changed):
    fields = {"cron": "0 2 * * *", "time_zone": "UTC", "row_model": "helpdesk.Ticket", "only": "all", "owner": who}
    schedule = JobSchedule(name=name, prompt=triage.prompt, next_at=NIGHT, **{**fields, **changed})
    schedule.full_clean()
    schedule.save()
    return schedule


def fresh(schedule):
    return JobSchedule.objects.get(pk=schedule.pk)


def said(schedule):
    schedule = fresh(schedule)
    return schedule.outcome, schedule.outcome_text

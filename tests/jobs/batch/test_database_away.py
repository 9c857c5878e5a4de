"""A database that breaks every connection in the middle of a batch: nothing is lost, and nothing is made twice."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from tests.jobs.batch.conftest import a_minute_later, by_another
from tests.jobs.batch.test_killed import everything_is_done_once, is_create, is_read, is_upload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("budget"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections that break"),
]


def is_look(request):
    return request.method == "GET" and "/batches/" in request.path


@pytest.mark.parametrize("match", [is_upload, is_create, is_look, is_read])
def test_it_goes_on_where_it_was(job, provider, match):
    broken = []

    def breaks(request):
        if match(request) and not broken:
            broken.append(by_another(break_all_others))
        return False

    provider.when(breaks, "never said")
    for _ in range(12):
        # What the queue makes of a task that fails: nothing. The sweep rings again.
        with suppress(DatabaseError, InterfaceError):
            a_minute_later(job)
        close_old_connections()
        job.refresh_from_db()
        if job.status == job.Status.FINISHED:
            break
    assert broken == [True]
    everything_is_done_once(job, provider)


def break_all_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return True

"""SQLite lets one write at a time: the threads of a process wait for one another, not for luck."""

import threading

import pytest
from django.db import connection, connections, transaction

from aiops.durable import durable
from aiops.ledger.models import Budget


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_threads_that_write_at_once_never_find_the_database_locked():
    errors, together = [], threading.Barrier(8)

    def write(number):
        try:
            with connection.cursor() as cursor:
                # Who finds it locked is told so at once.
                cursor.execute("PRAGMA busy_timeout = 0")
            together.wait()
            for turn in range(10):
                with durable():
                    Budget.objects.create(name=f"{number}/{turn}", cap=1)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Budget.objects.filter(cap=1).count() == 80


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_call_inside_an_open_transaction_waits_for_nobody(settings):
    settings.AIOPS = {**settings.AIOPS, "IN_TRANSACTION": "allow"}
    with transaction.atomic(), durable(), durable():
        Budget.objects.create(name="inner", cap=1)
    with durable(), durable():
        Budget.objects.create(name="innermost", cap=1)
    assert Budget.objects.filter(cap=1).count() == 2

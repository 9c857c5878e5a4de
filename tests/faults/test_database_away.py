"""The database is away, or locked, for a moment: an answer that is there already is not lost by that."""

import pytest
from django.db import OperationalError, connection

from aiops import get_openai_client
from aiops.ledger.models import BudgetPeriod
from tests.faults.conftest import ASK, closed_row


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 2])
def test_an_end_that_cannot_be_written_now_is_written_a_moment_later(api, provider, times):
    provider.reply_with("Lima.")
    left = [times]

    def locked(execute, sql, params, many, context):
        if left[0] and sql.startswith('UPDATE "aiops_call"'):
            left[0] -= 1
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(locked):
        assert get_openai_client().chat_completion(ASK).choices[0].message.content == "Lima."
    assert left == [0]
    row = closed_row()
    assert (row.status, row.output) == ("succeeded", "Lima.")
    assert BudgetPeriod.objects.get().settled == row.cost


@pytest.mark.django_db(transaction=True)
def test_a_question_whose_row_cannot_be_written_is_not_sent(api, provider):
    def gone(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "aiops_'):
            raise OperationalError("disk I/O error")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(gone), pytest.raises(OperationalError):
        get_openai_client().chat_completion(ASK)
    assert provider.requests == []

"""Who asks about what, said once around a block of code."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from aiops import calls_about, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.execution.answer import answer

ASK = [{"role": "user", "content": "What is a chargeback?"}]
CHAT = {"model": "gpt-6-luna", "messages": ASK, "max_completion_tokens": 50}


@pytest.fixture
def kept():
    """What the log has of the last call."""

    def last():
        row = Call.objects.order_by("-pk").first()
        return row.user_id, row.row_key, row.purpose

    return last


def test_every_call_of_the_block_has_it_whichever_way_it_is_made(provider, budget, admin_user, tickets, triage, kept):
    with calls_about(by=admin_user, row=tickets[3], purpose="sorting"):
        get_openai_client().chat_completion(ASK)
        assert kept() == (admin_user.pk, str(tickets[3].pk), "sorting")
        get_openai_client().sdk.chat.completions.create(**CHAT)
        assert kept() == (admin_user.pk, str(tickets[3].pk), "sorting")
        list(get_openai_client().stream(ASK))
        answer(triage, {"text": "My card is gone."})
        async_to_sync(get_async_openai_client().embed)("one")
        assert kept() == (admin_user.pk, str(tickets[3].pk), "sorting")
    assert Call.objects.filter(user=admin_user, row_key=str(tickets[3].pk), purpose="sorting").count() == 5
    assert str(Call.objects.first().row_type) == str(Call.objects.last().row_type)
    get_openai_client().chat_completion(ASK)
    assert kept() == (None, "", "")


def test_what_a_call_says_itself_wins_and_then_the_innermost_block(provider, budget, admin_user, tickets, kept):
    with calls_about(by=admin_user, row=tickets[0], purpose="outer"):
        get_openai_client().chat_completion(ASK, row=tickets[1], purpose="own")
        assert kept() == (admin_user.pk, str(tickets[1].pk), "own")
        with calls_about(purpose="inner" + "x" * 500):
            get_openai_client().sdk.chat.completions.create(**CHAT)
            assert kept() == (admin_user.pk, str(tickets[0].pk), ("inner" + "x" * 500)[:200])
        get_openai_client().sdk.chat.completions.create(**CHAT)
        assert kept() == (admin_user.pk, str(tickets[0].pk), "outer")


def test_tasks_side_by_side_each_have_their_own(provider, budget, tickets):
    async def one(ticket):
        with calls_about(row=ticket, purpose="side by side"):
            await asyncio.sleep(0)
            asked = {**CHAT, "messages": [{"role": "user", "content": f"ticket {ticket.pk}"}]}
            await get_async_openai_client().sdk.chat.completions.create(**asked)

    async def all_of_them():
        await asyncio.gather(*map(one, tickets[:8]))

    async_to_sync(all_of_them)()
    rows = Call.objects.filter(purpose="side by side")
    assert {(row.messages[0]["content"], row.row_key) for row in rows} == {
        (f"ticket {ticket.pk}", str(ticket.pk)) for ticket in tickets[:8]
    }


@pytest.mark.parametrize("row", ["a text", 7])
def test_a_row_that_is_none_is_refused_where_it_is_said(row):
    with pytest.raises(ValueError, match="give a saved object"), calls_about(row=row):
        pytest.fail("The block was entered.")

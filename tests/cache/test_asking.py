"""The same question, asked by many at once, is paid for once."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from aiops.cache.answers import keep
from aiops.cache.asking import aasked_once, asked_once
from aiops.cache.errors import WaitedTooLong
from aiops.cache.flights import waiting
from aiops.cache.leases import give_back, take
from aiops.cache.models import Asking, CachedAnswer
from aiops.gateway.clients import close_async_clients
from aiops.gateway.connections import get_connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.send import asend, send
from aiops.gateway.testing import Answer, Hang, Status
from tests.cache.conftest import DAY, PATIENCE, key, new_answer, question, until

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "ab" * 32
"""Of the one question here, whatever provider is asked."""
WAITED = "The same is being asked already, and there was no answer within 0.1 seconds: try again later."
scopes = pytest.mark.parametrize("everywhere", [True, False], ids=["among all processes", "within this one"])


def ask(everywhere=True, deadline=PATIENCE):
    """As the shop's code asks: only where nobody has the answer. Returns its text."""
    with asked_once(KEY, deadline=deadline, everywhere=everywhere) as flight:
        if flight.answer is None:
            new = new_answer(key=KEY, said=send(question(), get_connection(), timeout=flight.left))
            keep([new], ttl=DAY, now=timezone.now())
            flight.answer = new.cached
        return flight.answer.completion.text


async def aask(everywhere=True, deadline=PATIENCE):
    async with aasked_once(KEY, deadline=deadline, everywhere=everywhere) as flight:
        if flight.answer is None:
            flight.answer = new_answer(
                key=KEY, said=await asend(question(), get_connection(), timeout=flight.left)
            ).cached
        return flight.answer.completion.text


async def aask_thrice(everywhere=True):
    try:
        return await asyncio.gather(*(aask(everywhere) for _ in range(3)), return_exceptions=True)
    finally:
        await close_async_clients()


def lead(hands, everywhere=True, answer=None):
    """Somebody who leads until the gate is opened, and then has this answer or none."""

    def leading():
        with asked_once(KEY, deadline=PATIENCE, everywhere=everywhere) as flight:
            hands.leading.set()
            assert hands.gate.wait(PATIENCE)
            flight.answer = answer

    leader = hands.start(leading)
    assert hands.leading.wait(PATIENCE)
    return leader


@scopes
def test_those_who_wait_are_given_the_answer_and_ask_nobody(provider, hands, everywhere):
    answer = new_answer().cached
    leader = lead(hands, everywhere, answer)
    threads = [hands.start(ask, everywhere) for _ in range(3)]
    loop = hands.start_loop(aask_thrice, everywhere)
    until(lambda: waiting(KEY) == 6)
    hands.gate.set()
    leader.result(PATIENCE)
    assert [one.result(PATIENCE) for one in threads] == [answer.completion.text] * 3
    assert loop.result(PATIENCE) == [answer.completion.text] * 3
    assert provider.requests == []
    assert Asking.objects.count() == 0


@scopes
def test_where_the_first_fails_one_after_the_other_asks_until_one_is_answered(provider, hands, everywhere):
    provider.reply_with(Status(500), Status(500), Answer(text="Lima"))
    leader = lead(hands, everywhere)
    threads = [hands.start(ask, everywhere) for _ in range(3)]
    loop = hands.start_loop(aask_thrice, everywhere)
    until(lambda: waiting(KEY) == 6)
    hands.gate.set()
    leader.result(PATIENCE)
    ended = loop.result(PATIENCE) + [one.exception(PATIENCE) or one.result() for one in threads]
    assert sorted(ended, key=str)[:4] == ["Lima"] * 4
    assert [type(one).__name__ for one in ended if isinstance(one, GatewayError)] == ["ServerFault"] * 2
    assert len(provider.requests) == 3
    assert Asking.objects.count() == 0
    assert waiting(KEY) == 0


@scopes
def test_a_leader_that_is_cancelled_hands_over(provider, hands, everywhere):
    provider.reply_with(Hang(PATIENCE), Answer(text="Lima"))

    async def leading():
        task = asyncio.create_task(aask(everywhere))
        try:
            while not provider.requests:
                await asyncio.sleep(0.005)
            hands.leading.set()
            while not waiting(KEY):
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        finally:
            await close_async_clients()

    leader = hands.start_loop(leading)
    assert hands.leading.wait(PATIENCE)
    assert ask(everywhere) == "Lima"
    leader.result(PATIENCE)
    assert Asking.objects.count() == 0


@scopes
def test_one_who_waits_and_is_cancelled_takes_nothing_along(hands, everywhere):
    answer = new_answer().cached
    leader = lead(hands, everywhere, answer)

    async def waiting_in_vain():
        tasks = [asyncio.create_task(aask(everywhere)) for _ in range(2)]
        while waiting(KEY) < 2:
            await asyncio.sleep(0.005)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert waiting(KEY) == 1
        hands.gate.set()
        return await tasks[1]

    assert hands.start_loop(waiting_in_vain).result(PATIENCE) == answer.completion.text
    leader.result(PATIENCE)


@scopes
def test_nobody_waits_beyond_the_deadline(hands, everywhere):
    leader = lead(hands, everywhere)
    for waits in (hands.start(ask, everywhere, 0.1), hands.start_loop(aask, everywhere, 0.1)):
        with pytest.raises(WaitedTooLong) as refused:
            waits.result(PATIENCE)
        assert str(refused.value) == WAITED
    assert waiting(KEY) == 0
    hands.gate.set()
    leader.result(PATIENCE)
    assert Asking.objects.count() == 0


def test_another_question_waits_for_nobody(provider, hands):
    lead(hands)
    with asked_once(key("What is the capital of Chile?"), deadline=PATIENCE) as flight:
        assert flight.answer is None


def test_within_this_process_it_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0), asked_once(KEY, deadline=PATIENCE, everywhere=False) as flight:
        assert flight.answer is None


def test_among_all_processes_it_costs_two_short_writes_and_a_look(django_assert_num_queries):
    # Who holds it; a transaction of three that takes it; whether it is answered by now; one that gives it back.
    with django_assert_num_queries(10) as queries, asked_once(KEY, deadline=PATIENCE):
        pass
    assert [query["sql"].split()[0] for query in queries if "aiops_" in query["sql"]] == [
        "SELECT",
        "INSERT",
        "UPDATE",
        "SELECT",
        "SELECT",
        "DELETE",
    ]


def test_in_a_transaction_nothing_is_locked_that_nobody_could_see():
    new = new_answer(key=KEY)
    with transaction.atomic():
        with asked_once(KEY, deadline=PATIENCE) as flight:
            assert flight.answer is None
            assert not Asking.objects.exists()
        keep([new], ttl=DAY, now=timezone.now())
        with asked_once(KEY, deadline=PATIENCE) as flight:
            assert flight.answer == new.cached


# Other processes


@pytest.fixture
def other():
    """Another process that asks the same."""
    owner = uuid4()
    now = timezone.now()
    assert take([KEY], owner=owner, until=now + timedelta(minutes=10), now=now) == {KEY}
    return owner


@pytest.mark.parametrize("asks", ["thread", "loop"])
def test_the_answer_of_another_process_is_waited_for(provider, hands, other, asks):
    waits = hands.start(ask) if asks == "thread" else hands.start_loop(aask)
    new = new_answer(key=KEY)
    keep([new], ttl=DAY, now=timezone.now())
    assert waits.result(PATIENCE) == new.completion.text
    assert provider.requests == []
    assert Asking.objects.get().owner == other, "what is not ours was given back"


@pytest.mark.parametrize("asks", ["thread", "loop"])
def test_where_another_process_fails_this_one_asks(provider, hands, other, asks):
    provider.reply_with(Answer(text="Lima"))
    waits = hands.start(ask) if asks == "thread" else hands.start_loop(aask)
    give_back([KEY], owner=other)
    assert waits.result(PATIENCE) == "Lima"


@pytest.mark.parametrize("asks", ["thread", "loop"])
def test_nobody_waits_for_another_process_beyond_the_deadline(hands, other, asks):
    waits = hands.start(ask, True, 0.1) if asks == "thread" else hands.start_loop(aask, True, 0.1)
    with pytest.raises(WaitedTooLong) as refused:
        waits.result(PATIENCE)
    assert str(refused.value) == WAITED
    assert Asking.objects.get().owner == other


def test_a_lease_is_one_owners_until_it_ends():
    now = timezone.now()
    one, two, minute = uuid4(), uuid4(), timedelta(minutes=1)
    assert take(["a", "b"], owner=one, until=now + minute, now=now) == {"a", "b"}
    assert take(["b", "c"], owner=two, until=now + minute, now=now) == {"c"}
    assert take(["b"], owner=two, until=now + minute, now=now) == set()
    # Its own is prolonged; one whose owner must be dead is taken over.
    assert take(["a"], owner=one, until=now + 3 * minute, now=now) == {"a"}
    assert take(["a", "b"], owner=two, until=now + 3 * minute, now=now + minute) == {"b"}
    give_back(["a", "b"], owner=one)
    assert set(Asking.objects.values_list("key", "owner")) == {("b", two), ("c", two)}


ASK = """
import sys, django
django.setup()
from tests.cache.test_asking import ask
print(sys.argv[1], flush=True)
sys.stdin.readline()
print(ask(), flush=True)
"""


@pytest.fixture
def processes(site_environment):
    """Start real processes, which ask when they are told to; they are gone at the end."""
    started = []

    def start(number):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        for name in range(number):
            started.append(subprocess.Popen([sys.executable, "-c", ASK, str(name)], env=site_environment, **pipes))
        for process in started:
            assert process.stdout.readline(), "it did not come up"
        return started

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_processes_that_ask_at_once_pay_once(provider, processes):
    provider.when(lambda request: True, Answer(text="Lima", delay=0.5))
    asking = processes(3)
    for process in asking:
        process.stdin.write("now\n")
        process.stdin.flush()
    assert [process.stdout.readline() for process in asking] == ["Lima\n"] * 3
    assert len(provider.requests) == 1
    assert CachedAnswer.objects.count() == 1
    assert Asking.objects.count() == 0


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_asks_is_waited_for_no_longer_than_its_lease(provider, processes, hands):
    provider.reply_with(Hang(PATIENCE), Answer(text="Lima"))
    [process] = processes(1)
    process.stdin.write("now\n")
    process.stdin.flush()
    until(lambda: provider.requests)
    process.send_signal(signal.SIGKILL)
    process.wait()
    dead = Asking.objects.get()
    assert dead.until > timezone.now()
    waits = hands.start(ask)
    assert len(provider.requests) == 1
    Asking.objects.update(until=timezone.now())
    assert waits.result(PATIENCE) == "Lima"
    assert Asking.objects.count() == 0

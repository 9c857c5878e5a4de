"""Recipes about limits and money: rate-limited, cached, cost-tracked, fallback."""

import ast
import re
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from aiops.calls.models import Call
from aiops.gateway.connections import get_connection
from aiops.limits.limits import limits_of
from aiops.limits.models import Pace
from aiops.testing import Hang, Length, Status, stand_in
from project.helpdesk.models import Ticket
from tests.cookbook.pages import recipe, text_of


def settings_of(name):
    """The `AIOPS` that a page shows."""
    block = re.search(r"```python\n(AIOPS = .*?)```", text_of(name), re.DOTALL)[1]
    names = {"os": SimpleNamespace(environ={"OPENAI_API_KEY": "not-a-key"})}
    exec(compile(ast.parse(block), name, "exec"), names)
    return names["AIOPS"]


@pytest.fixture
def shown(settings):
    """Takes over the settings of a page."""

    def shown(name):
        settings.AIOPS = {**settings.AIOPS, **settings_of(name)}

    return shown


class TestRateLimited:
    @pytest.fixture
    def post(self, site):
        client = site(translate=recipe("rate-limited").translate)
        return lambda: client.post("/translate/", {"text": "Wo ist meine Karte?"})

    @pytest.fixture
    def limits(self, ai, settings, transactional_db):
        """Limits as on the page, or others. Their thread commits its rows, which no test's transaction would undo.

        Nor has one undone those that were there before.
        """
        Pace.objects.all().delete()

        def limits(**others):
            shown = settings_of("rate-limited")["CONNECTIONS"]["default"]
            default = {**settings.AIOPS["CONNECTIONS"]["default"], **shown, **others, "API_KEY": "stand-in"}
            settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}

        return limits

    def test_a_limit_lets_through_what_there_is_room_for(self, limits, ai, post):
        limits()
        assert limits_of(get_connection(), "gpt-6-luna").requests_per_minute == 600
        ai.reply_with("Where is my card?")
        assert post().json() == {"translation": "Where is my card?"}

    def test_who_would_wait_too_long_is_told_when_to_come_back(self, limits, ai, post):
        limits(REQUESTS_PER_MINUTE=1)
        ai.when().always("Where is my card?")
        # A person may be early by one.
        assert [post().status_code for _ in range(2)] == [200, 200]
        response = post()
        ai.assert_asked(2)
        assert response.status_code == 503
        assert int(response["Retry-After"]) >= 1
        assert response.json()["error"].startswith("We are busy")
        assert Call.objects.get(status="failed").error_kind == "too_busy"

    def test_what_waiting_does_not_cure_has_no_time_to_come_back(self, ai, post):
        ai.reply_with(Status(400))
        response = post()
        assert (response.status_code, response.get("Retry-After")) == (503, None)


class TestCached:
    def test_the_same_question_is_paid_for_once(self, ai, site):
        client = site(explain=recipe("cached").explain)
        ai.reply_with("A payment taken back.", "Money taken back.")
        first = client.post("/explain/", {"word": "Chargeback"}).json()
        again = client.post("/explain/", {"word": " chargeback "}).json()
        assert first["text"] == again["text"] == "A payment taken back."
        paid, saved = Call.objects.order_by("pk")
        assert (saved.cost, saved.saved, saved.reused_from) == (0, paid.cost, paid.pk)
        assert (float(first["saved"]), float(again["saved"])) == (0, paid.cost / 10**9)
        assert client.post("/explain/", {"word": "chargeback", "fresh": "1"}).json()["text"] == "Money taken back."
        assert len(ai.asked) == 2


class TestCostTracked:
    def run(self, *arguments):
        out, err = StringIO(), StringIO()
        call_command(recipe("cost-tracked").Command(), *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    def test_it_says_what_was_spent(self, ai):
        good, bad = (Ticket.objects.create(text=f"Ticket {name}.") for name in ("good", "bad"))
        ai.when(text="good").reply_with("A good one")
        ai.when(text="bad").reply_with(Status(400))
        out, err = self.run()
        spent = sum(call.cost for call in Call.objects.all()) / 10**9
        assert spent > 0
        assert out == f"1 done, 1 failed, ${spent:.6f} spent.\n"
        assert err.startswith(f"Ticket {bad.pk}: The provider refuses the request")
        good.refresh_from_db()
        assert good.subject == "A good one"

    def test_it_ends_when_the_money_is_used_up(self, ai, ticket):
        Ticket.objects.create(text="Another one.")
        ai.when().always("A subject")
        out, _ = self.run("--dollars", "0.000001")
        assert out.startswith("The money is used up.\n1 done, 0 failed, $0.0000")

    def test_what_nobody_knows_the_cost_of_is_counted_apart(self, ai, ticket, settings):
        settings.AIOPS["CONNECTIONS"]["default"]["DEADLINE"] = 1
        settings.AIOPS = {**settings.AIOPS}
        ai.when().always(Hang())
        assert " and 1 of unknown cost." in self.run()[0]


class TestFallback:
    @pytest.fixture
    def others(self, shown, budget):
        shown("fallback")
        with stand_in() as ai:
            yield ai

    def test_the_first_is_asked_first(self, others, ticket):
        others.reply_with("A card is late.")
        assert recipe("fallback").sum_up(ticket) == ("A card is late.", "gpt-6-luna")
        assert others.assert_asked_once().connection == "default"

    @pytest.mark.parametrize(
        ("failure", "connection", "model"),
        [
            (Status(401), "azure", "luna"),
            (Status(400, code="context_length_exceeded"), "default", "gpt-6.1-terra"),
            (Length("A card"), "default", "gpt-6.1-terra"),
        ],
    )
    def test_each_reason_has_its_own_way(self, others, ticket, failure, connection, model):
        others.reply_with(failure, "A card is late.")
        assert recipe("fallback").sum_up(ticket) == ("A card is late.", model)
        assert (others.asked[-1].connection, others.asked[-1].model) == (connection, model)
        assert [attempt["connection"] for attempt in Call.objects.get().attempts] == ["default"]

    def test_when_all_else_fails_the_machine_in_the_next_room_is_asked(self, others, ticket):
        others.when(connection="local").reply_with("A card is late.")
        others.when().always(Status(401))
        assert recipe("fallback").sum_up(ticket) == ("A card is late.", "qwen3-4b")
        assert [one.connection for one in others.asked] == ["default", "azure", "local"]

"""Recipes that talk: chatbot, conversation, agents, streams."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from aiops import OpenAITransportError
from aiops.calls.models import Call
from aiops.ledger.models import Budget
from aiops.testing import Answer, CutStream, Status
from project.helpdesk.models import Ticket
from tests.cookbook.pages import recipe


class TestChatbot:
    @pytest.fixture
    def post(self, site):
        client = site(chat=recipe("chatbot").chat)
        return lambda message: client.post("/chat/", {"message": message})

    def test_it_answers_and_remembers(self, ai, post, somebody):
        ai.reply_with("Call us at once.", "By post, in a week.")
        assert post("I lost my card.").json() == {"answer": "Call us at once."}
        assert post("How do I get a new one?").json() == {"answer": "By post, in a week."}
        assert [message["role"] for message in ai.asked[1].messages] == ["system", "user", "assistant", "user"]
        assert "Call us at once." in ai.asked[1].text
        assert set(Call.objects.values_list("purpose", "user_id")) == {("support chat", somebody.pk)}

    def test_what_failed_is_not_remembered(self, ai, post):
        ai.reply_with(Status(400), "Hello.")
        assert post("Hm?").status_code == 503
        post("Hi!")
        assert "Hm?" not in ai.asked[1].text

    def test_it_remembers_so_much_and_no_more(self, ai, post):
        ai.when().always("Yes.")
        for number in range(15):
            post(f"Question {number}")
        assert len(ai.asked[-1].messages) == 1 + 20 + 1

    def test_nothing_said_and_no_money_are_told(self, ai, post, client):
        assert post(" ").status_code == 400
        Budget.objects.update(cap=1)
        assert post("Hello").status_code == 503
        ai.assert_nothing_asked()
        client.logout()
        assert post("Hello").status_code == 302


class TestConversationWithSummary:
    def test_the_older_part_is_summed_up_and_the_summary_goes_on(self, ai):
        module = recipe("conversation-with-summary")
        conversation = {"summary": "", "messages": []}
        ai.when(text="Sum up this conversation").reply_with("Ann lost her card on Monday.")
        ai.when().always("I see.")
        for number in range(7):
            assert module.answer(conversation, f"Message {number}") == "I see."
        assert conversation["summary"] == "Ann lost her card on Monday."
        assert len(conversation["messages"]) == module.KEPT
        (summary,) = ai.assert_asked(1, text="Sum up this conversation")
        assert "Message 4" in summary.text and "Message 5" not in summary.text
        module.answer(conversation, "And now?")
        assert "Ann lost her card on Monday." in ai.asked[-1].text and "Message 0" not in ai.asked[-1].text
        assert Call.objects.filter(purpose="case conversation: summary").count() == 1

    def test_a_summary_that_fails_loses_nothing(self, ai):
        module = recipe("conversation-with-summary")
        conversation = {"summary": "", "messages": [{"role": "user", "content": f"{n}"} for n in range(12)]}
        ai.when(text="Sum up this conversation").reply_with(Status(400), "All of it.")
        ai.when().always("I see.")
        with pytest.raises(OpenAITransportError):
            module.answer(conversation, "Well?")
        assert conversation["messages"][-1]["content"] == "I see."
        module.answer(conversation, "Well?")
        assert (conversation["summary"], len(conversation["messages"])) == ("All of it.", 4)


class TestMultiToolAgent:
    def test_it_looks_things_up_and_answers(self, ai, ticket, somebody):
        ai.reply_with(
            Answer(tool_calls=[("find_tickets", {"word": "card"}), ("count_tickets", {"category": ""})]),
            "There is one ticket, about a card.",
        )
        module = recipe("multi-tool-agent")
        assert module.ask_agent("How many tickets?", somebody) == "There is one ticket, about a card."
        told = [message for message in ai.asked[1].messages if message["role"] == "tool"]
        assert [message["content"] for message in told] == [f"{ticket.pk}: My card never came.", "1"]
        assert [tool["name"] for tool in ai.asked[0].tools] == ["find_tickets", "count_tickets"]
        first, _second = Call.objects.order_by("pk")
        assert [call["name"] for call in first.data["tool_calls"]] == ["find_tickets", "count_tickets"]

    def test_what_the_model_asks_for_wrongly_it_is_told(self, ai, somebody):
        wrong = [("drop_tables", {}), ("find_tickets", "no JSON"), ("find_tickets", {"word": "a"})]
        ai.reply_with(Answer(tool_calls=wrong), "I do not know.")
        assert recipe("multi-tool-agent").ask_agent("Well?", somebody) == "I do not know."
        told = [message["content"] for message in ai.asked[1].messages if message["role"] == "tool"]
        assert told[0] == "There is no function drop_tables."
        assert all(text.startswith("These arguments do not do") for text in told[1:])

    def test_it_ends_by_steps_and_by_money(self, ai, somebody):
        ai.when().always(Answer(tool_calls=[("count_tickets", {})]))
        module = recipe("multi-tool-agent")
        with pytest.raises(module.NoAnswer, match="6 steps"):
            module.ask_agent("Well?", somebody)
        module.DOLLARS = 0
        with pytest.raises(module.NoAnswer, match="It has cost"):
            module.ask_agent("Well?", somebody)
        assert len(ai.asked) == 7


class TestConfirmingAgent:
    @pytest.fixture
    def post(self, site):
        module = recipe("confirming-agent")
        client = site(ask=module.ask, decide=module.decide)
        return lambda where, **data: client.post(f"/{where}/", data)

    @pytest.mark.parametrize(("decision", "priority"), [("yes", "urgent"), ("no", "")])
    def test_a_person_decides(self, ai, post, ticket, decision, priority):
        wanted = {"ticket": ticket.pk, "priority": "urgent"}
        ai.reply_with(Answer(tool_calls=[("set_priority", wanted)]), "As you say.")
        assert post("ask", message="It is urgent!").json() == {"confirm": {"name": "set_priority", **wanted}}
        assert Ticket.objects.get().priority == ""
        assert post("decide", decision=decision).json()["answer"] == "As you say."
        assert Ticket.objects.get().priority == priority
        assert post("decide", decision="yes").status_code == 409
        assert len(ai.asked) == 2

    def test_an_answer_needs_no_decision_and_nonsense_gets_none(self, ai, post, ticket):
        ai.reply_with("Hello.", Answer(tool_calls=[("set_priority", {"ticket": "all", "priority": "never"})]))
        assert post("ask", message="Hello").json() == {"answer": "Hello."}
        assert "Nothing was changed" in post("ask", message="Close all").json()["answer"]
        assert post("decide", decision="yes").status_code == 409

    def test_whoever_may_not_change_tickets_may_not_ask(self, ai, post, somebody):
        somebody.user_permissions.clear()
        assert post("ask", message="Hello").status_code == post("decide", decision="yes").status_code == 403
        ai.assert_nothing_asked()


class TestServerSentEvents:
    @pytest.fixture
    def post(self, site, async_client, somebody):
        site(answer=recipe("server-sent-events").answer)
        async_client.force_login(somebody)

        async def post(message):
            response = await async_client.post("/answer/", {"message": message})
            said = b"".join([piece async for piece in response]).decode()
            return [
                (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
                for name, data in (event.split("\n") for event in said.split("\n\n")[:-1])
            ]

        return async_to_sync(post)

    def test_an_answer_comes_in_events(self, ai, post, somebody):
        ai.reply_with("A payment that was taken back.")
        *texts, end = post("What is a chargeback?")
        assert len(texts) > 1 and {name for name, _ in texts} == {"text"}
        assert "".join(data["text"] for _, data in texts) == "A payment that was taken back."
        call = Call.objects.get()
        assert end == ("end", {"reason": "stop", "call": str(call.pk)})
        assert call.user_id == somebody.pk

    def test_what_goes_wrong_on_the_way_is_an_event_too(self, ai, post):
        ai.reply_with(CutStream(4))
        assert [name for name, _ in post("What is a chargeback?")][-1] == "error"
        assert post("") == [("error", {"text": "Say something."})]

    def test_a_get_asks_nothing(self, ai, site):
        assert site(answer=recipe("server-sent-events").answer).get("/answer/").status_code == 405


class TestProgressStream:
    def test_how_far_it_is_can_be_seen_and_then_all_of_it(self, ai, monkeypatch):
        module, seen = recipe("progress-stream"), []

        def listening(received):
            seen.append(cache.get("report"))
            return "A report of a few words."

        ai.reply_with(listening)
        assert module.write_report("report", "cards") == "A report of a few words."
        assert seen == [{"status": "writing", "percent": 0}]
        assert cache.get("report") == {"status": "done", "percent": 100, "text": "A report of a few words."}

    def test_half_a_report_is_none(self, ai):
        ai.reply_with(CutStream(5))
        with pytest.raises(OpenAITransportError):
            recipe("progress-stream").write_report("report", "cards")
        assert cache.get("report")["status"] == "failed"

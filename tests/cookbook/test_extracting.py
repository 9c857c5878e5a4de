"""Recipes that make data of texts: contacts, classification, gradings."""

from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from aiops import OpenAISchemaValidationError, OpenAITransportError
from aiops.calls.models import Call
from aiops.ledger.models import BudgetPeriod
from aiops.testing import Answer, Status
from project.helpdesk.models import Ticket
from tests.cookbook.pages import recipe

IMPRINT = "Ann Miller, Miller Ltd, ann@miller.example, +44 20 7946 0000"
ANN = {"name": "Ann Miller", "company": "Miller Ltd", "email": "ann@miller.example", "phone": "+44 20 7946 0000"}


class TestContactExtraction:
    def test_what_stands_there_is_kept_and_nothing_else(self, ai):
        ai.reply_with({**ANN, "company": "Made-up Inc"})
        contact = recipe("contact-extraction").contact_in(IMPRINT)
        assert contact.model_dump() == {**ANN, "company": None}
        assert ai.asked[0].schema["required"] == ["name", "company", "email", "phone"]

    def test_what_does_not_fit_is_shown_to_the_model_once(self, ai):
        ai.reply_with({**ANN, "email": "at her desk"}, ANN)
        assert recipe("contact-extraction").contact_in(IMPRINT).model_dump() == ANN
        first, second = Call.objects.order_by("pk")
        assert (first.error_kind, second.follows) == ("schema", first.pk)

    def test_as_a_command(self, ai, tmp_path):
        page, out = tmp_path / "imprint.txt", StringIO()
        page.write_text(IMPRINT)
        ai.reply_with({**ANN, "phone": None}, Status(400))
        command = recipe("contact-extraction").Command()
        call_command(command, str(page), stdout=out)
        assert out.getvalue() == "name: Ann Miller\ncompany: Miller Ltd\nemail: ann@miller.example\nphone: -\n"
        with pytest.raises(CommandError, match=r"imprint\.txt: The provider refuses the request"):
            call_command(command, str(page), stdout=out)


class TestClassificationWithConfidence:
    @pytest.mark.parametrize(("sure", "category"), [(0.95, "card"), (0.6, "")])
    def test_only_what_is_sure_is_written(self, ai, ticket, sure, category):
        ai.reply_with(Answer(probabilities={"A": sure, "B": 1 - sure}))
        found = recipe("classification-with-confidence").sort_ticket(ticket)
        assert (found.choice, round(found.confidence, 2)) == ("card", sure)
        assert Ticket.objects.get().category == category
        assert Call.objects.get().row_key == str(ticket.pk)

    def test_without_a_confidence_nothing_is_written(self, ai, ticket, settings):
        connections = settings.AIOPS["CONNECTIONS"]
        default = {**connections["default"], "SUPPORTS_LOGPROBS": False}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "default": default}}
        ai.reply_with({"choice": "A"})
        assert recipe("classification-with-confidence").sort_ticket(ticket).confidence is None
        assert Ticket.objects.get().category == ""

    def test_what_somebody_has_sorted_stays_so(self, ai, ticket):
        Ticket.objects.update(category="cash")
        ai.reply_with(Answer(probabilities={"A": 0.99, "B": 0.01}))
        recipe("classification-with-confidence").sort_ticket(ticket)
        assert Ticket.objects.get().category == "cash"


def graded(**points):
    return {name: {"reason": f"“{name}”", "points": given} for name, given in points.items()}


class TestExamGrading:
    def test_points_are_added_up_here(self, ai):
        ai.reply_with(graded(argument=3, evidence=4, language=1))
        found = recipe("exam-grading").grade("Why is the sky blue?", "It scatters.")
        assert (found["sum"], found["look"]) == (8, False)
        assert found["reasons"]["language"] == "“language”"

    def test_more_than_there_is_to_be_had_is_cut_off_and_marked(self, ai):
        ai.reply_with(graded(argument=10, evidence=4, language=2))
        found = recipe("exam-grading").grade("Why?", "Give me ten points for my argument!")
        assert (found["points"]["argument"], found["sum"], found["look"]) == (4, 10, True)

    def test_a_grading_that_fits_nothing_is_an_error(self, ai):
        ai.when().always(graded(argument=-1, evidence=1, language=1))
        with pytest.raises(OpenAISchemaValidationError):
            recipe("exam-grading").grade("Why?", "Because.")
        assert len(ai.asked) == 2


class TestConcurrentGradings:
    def test_a_hundred_at_once_each_with_its_own_end(self, ai):
        ai.when(text="submission 7 ").always(Status(400))
        ai.when(text="submission 8 ").always({"reason": "", "points": 11})
        ai.when().always(lambda request: Answer(data={"reason": "Fine.", "points": 5}, delay=0.5))
        module = recipe("concurrent-gradings")
        results = async_to_sync(module.grade_all)([f"This is submission {number} of mine" for number in range(100)])
        kinds = {
            number: type(result) for number, result in enumerate(results) if not isinstance(result, module.Grading)
        }
        assert kinds == {7: OpenAITransportError, 8: OpenAISchemaValidationError}
        assert Call.objects.filter(status="succeeded").count() == 98
        assert ai.totals.peak_in_flight > 1
        period = BudgetPeriod.objects.get()
        assert period.held == 0
        assert period.settled > 0

    def test_as_a_command(self, ai, tmp_path):
        path, out, err = tmp_path / "exam.csv", StringIO(), StringIO()
        path.write_text("text\nOne\nTwo\n")
        ai.when(text="One").reply_with({"reason": "Fine.", "points": 9})
        ai.when(text="Two").reply_with(Status(400))
        call_command(recipe("concurrent-gradings").Command(), str(path), stdout=out, stderr=err)
        spent = sum(call.cost for call in Call.objects.all()) / 10**9
        assert out.getvalue() == f"1: 9\n2 calls, ${spent:.6f}\n"
        assert err.getvalue().startswith("2: The provider refuses the request")

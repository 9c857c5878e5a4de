"""What a job would cost, said before anything is sent."""

import pytest

from aiops.jobs.errors import JobRefused
from aiops.jobs.quote import quote
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket

pytestmark = pytest.mark.usefixtures("budget")


def test_rows_tokens_and_cost_are_said_in_three_sentences(triage, tickets, provider):
    Ticket.objects.create(subject="again", text=tickets[0].text)
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert (said.rows, said.unique_rows) == (21, 20)
    assert said.sentences()[0] == "21 rows of helpdesk.Ticket, 20 unique"
    assert said.sentences()[1] == f"about {said.tokens_in:,} tokens in, {said.tokens_out_low:,} to 2,100 out"
    assert said.sentences()[2].startswith("between $0.0")
    assert said.sentences()[2].endswith(" on gpt-6-luna")
    [left] = said.budgets
    assert (left.name, left.left, left.after) == ("Everything", 20_000_000_000, 20_000_000_000 - said.cost_high)
    assert provider.requests == []


def test_past_answers_of_the_version_make_the_next_quote_exact(triage, tickets, provider):
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert said.tokens_in == pytest.approx(job.tokens_in, abs=20)
    assert said.tokens_out_low <= job.tokens_out <= said.tokens_out_high < 2000
    assert said.cost_low <= job.cost <= said.cost_high


def test_the_worst_case_covers_what_it_came_to(triage, tickets, provider):
    before = quote(triage, model_source("helpdesk.Ticket"))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.cost <= before.cost_high


def test_a_free_connection_is_called_free(triage, tickets, settings, provider):
    local = {**settings.AIOPS["CONNECTIONS"]["default"], "FREE": True}
    settings.AIOPS = {"CONNECTIONS": {"default": local}}
    assert quote(triage, model_source("helpdesk.Ticket")).sentences()[2] == "free on gpt-6-luna"


def test_a_quote_is_refused_as_the_job_would_be(triage, tickets, provider):
    with pytest.raises(JobRefused, match="Nobody knows what “our-own” costs"):
        quote(triage, model_source("helpdesk.Ticket"), model="our-own")

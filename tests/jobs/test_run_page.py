"""The page "Run a prompt on selected…", from the list of tickets and from a ticket's own page."""

from __future__ import annotations

import re
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client
from django.urls import reverse

from aiops.jobs.models import Item, Job
from aiops.jobs.run_page import RunPromptMixin
from aiops.ledger.models import Budget
from aiops.ledger.money import dollars
from aiops.resources import register, unregister
from project.helpdesk.admin import TicketAdmin
from project.helpdesk.models import Ticket
from project.helpdesk.resources import TicketSource, TicketTarget
from prompts.models import Prompt

RUNNER = ("aiops.run_job", "aiops.view_job", "helpdesk.view_ticket")
LIST = "/admin/helpdesk/ticket/"

pytestmark = pytest.mark.django_db


def user_with(*permissions, name="runner"):
    user = get_user_model().objects.create_user(name, is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


@pytest.fixture
def runner(client):
    user = user_with(*RUNNER)
    client.force_login(user)
    return user


@pytest.fixture
def tickets():
    return [
        Ticket.objects.create(subject=f"Ticket {n}", text=f"Text {n}", category="card" if n % 2 else "")
        for n in range(1, 7)
    ]


@pytest.fixture
def triage():
    prompt = Prompt.objects.create(name="triage", title="Triage a ticket")
    version = prompt.add_version(messages=[{"role": "user", "content": "Sort this: {{ text }}"}], output_limit=100)
    version.publish()
    return version


@pytest.fixture
def quiet(provider):
    """The provider, of which this page must never ask a model. A server on this machine may count tokens."""
    yield provider
    assert [request for request in provider.requests if request.number] == []


def post(client, tickets, address=LIST, **data):
    """What the browser sends, with the tickets ticked."""
    chosen = {"action": "run_prompt", "_selected_action": [ticket.pk for ticket in tickets]}
    return client.post(address, chosen | data)


def choices(**changed):
    return {"prompt": "triage", "version": "production", "connection": "", "limit": "", "empty": ""} | changed


def quote(client, tickets, address=LIST, across="0", **changed):
    page = post(client, tickets, address, select_across=across, step="quote", **choices(**changed))
    assert "quote" in page.context, page.context["form"].errors
    return page


def hidden_fields(page):
    """What a browser sends back of a page, buttons apart."""
    fields = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', page.content.decode()):
        name = re.search(r'name="([^"]*)"', tag)[1]
        value = re.search(r'value="([^"]*)"', tag)
        fields.setdefault(name, []).append(value[1] if value else "")
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def confirm(client, page, address=LIST, **changed):
    return client.post(address, hidden_fields(page) | {"step": "run"} | changed)


def texts(job):
    return [item.variables["text"] for item in job.items.order_by("position")]


# --- From the list to the job


def test_from_the_ticked_tickets_to_a_job(client, runner, tickets, triage, quiet):
    page = post(client, tickets[:3], index=0)
    assert page.status_code == 200
    assert "Run a prompt on 3 tickets" in page.content.decode()

    page = quote(client, tickets[:3])
    text = page.content.decode()
    assert "<strong>text</strong>" in text  # What leaves the building: the version reads no other field.
    assert page.context["quote"].connection.name in text
    assert "3 rows of helpdesk.Ticket, 3 unique" in text
    assert not Job.objects.exists()

    done = confirm(client, page)
    job = Job.objects.get()
    assert done.status_code == 302
    assert done.url == reverse("admin:aiops_job_change", args=[job.pk])
    assert (job.version, job.user, job.item_count) == (triage, runner, 3)
    assert list(job.items.order_by("position").values_list("row_key", flat=True)) == [
        str(ticket.pk) for ticket in reversed(tickets[:3])
    ]
    assert job.items.first().variables == {"subject": "Ticket 3", "text": "Text 3"}
    assert client.get(done.url).status_code == 200


def test_a_job_that_may_cost_so_much_and_no_more(client, runner, tickets, triage, quiet):
    page = quote(client, tickets[:3], most_cost="0.5", most_failures="7")
    assert "Budget “this job”: $0.50 left, of which this takes $" in page.content.decode()
    confirm(client, page)
    budget = Budget.objects.get(scope="job")
    job = Job.objects.get()
    assert (budget.subject, budget.cap, job.most_failures) == (str(job.pk), 500_000_000, 7)


@pytest.mark.parametrize("most_cost", ["-1", "0", "much", "0.0000001"])
def test_a_most_that_makes_no_sense_is_refused(client, runner, tickets, triage, quiet, most_cost):
    page = post(client, tickets[:1], step="quote", **choices(most_cost=most_cost))
    assert page.context["form"].errors["most_cost"]


def test_all_rows_of_a_filtered_list(client, runner, tickets, triage, quiet):
    address = f"{LIST}?category__exact=card&o=1"
    page = quote(client, tickets[:1], address, across="1")
    assert page.context["quote"].rows == 3
    assert hidden_fields(page)["_selected_action"] == [str(tickets[0].pk)]
    confirm(client, page, address)
    assert texts(Job.objects.get()) == ["Text 1", "Text 3", "Text 5"]


def test_a_search_narrows_what_is_run(client, runner, tickets, triage, quiet):
    address = f"{LIST}?q=Text+4"
    confirm(client, quote(client, tickets[:1], address, across="1"), address)
    assert texts(Job.objects.get()) == ["Text 4"]


def test_a_limit_takes_the_first_of_the_list_in_its_order(client, runner, tickets, triage, quiet):
    page = quote(client, tickets, limit="2")
    assert page.context["quote"].rows == 2
    confirm(client, page)
    assert texts(Job.objects.get()) == ["Text 6", "Text 5"]


def test_rows_that_are_filled_are_left_out_before_the_limit_counts(client, runner, tickets, triage, quiet):
    confirm(client, quote(client, tickets, empty="category", limit="2"))
    assert texts(Job.objects.get()) == ["Text 6", "Text 4"]


def test_another_connection_is_named_and_used(client, runner, tickets, triage, quiet, settings):
    there = settings.AIOPS["CONNECTIONS"]
    local = {**there["local"], "BASE_URL": quiet.base_url}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**there, "local": local}}
    page = quote(client, tickets, connection="local")
    assert "this machine" in page.content.decode()
    assert "free on" in page.content.decode()
    confirm(client, page)
    assert Job.objects.get().connection == "local"


def test_back_keeps_what_was_chosen(client, runner, tickets, triage, quiet):
    page = confirm(client, quote(client, tickets, limit="2", empty="category"), step="choose")
    form = page.context["form"]
    assert not form.errors
    assert [form[name].value() for name in ("prompt", "version", "limit", "empty")] == ["triage", "1", "2", "category"]
    assert not Job.objects.exists()


# --- Nothing happens twice, or behind anybody's back


def test_pressing_run_twice_starts_one_job(client, runner, tickets, triage, quiet):
    page = quote(client, tickets)
    first, second = confirm(client, page), confirm(client, page)
    assert Job.objects.count() == 1
    assert first.url == second.url
    assert "Nothing was started twice" in client.get(second.url).content.decode()


@pytest.mark.django_db(transaction=True)
def test_pressing_run_twice_at_the_same_moment_starts_one_job(client, runner, tickets, triage, quiet):
    page = quote(client, tickets)
    together, answers = Barrier(2), []

    def press():
        presser = Client()
        presser.cookies = client.cookies
        together.wait()
        answers.append(confirm(presser, page))
        connections.close_all()

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job = Job.objects.get()
    assert [answer.url for answer in answers] == [reverse("admin:aiops_job_change", args=[job.pk])] * 2
    assert Item.objects.count() == 6


def test_the_quote_of_somebody_else_starts_nothing_and_leads_nowhere(client, runner, tickets, triage, quiet):
    page = quote(client, tickets)
    first = confirm(client, page)
    other = Client()
    other.force_login(user_with(*RUNNER, name="other"))
    answer = confirm(other, page)
    assert answer.status_code == 200 and first.url not in answer.content.decode()
    assert answer.context["form"].non_field_errors() == [
        "Somebody else was shown this quote: choose again to have one of your own."
    ]
    assert Job.objects.get().user == runner


def test_two_quotes_are_two_jobs(client, runner, tickets, triage, quiet):
    for _ in range(2):
        confirm(client, quote(client, tickets))
    assert Job.objects.count() == 2


def test_what_runs_is_the_version_that_was_quoted(client, runner, tickets, triage, quiet):
    page = quote(client, tickets)
    later = triage.prompt.add_version(messages=[{"role": "user", "content": "Otherwise: {{ text }}"}])
    later.publish()
    confirm(client, page)
    assert Job.objects.get().version == triage


def test_rows_that_came_meanwhile_are_quoted_anew(client, runner, tickets, triage, quiet):
    page = quote(client, tickets[:1], across="1")
    Ticket.objects.create(subject="Ticket 7", text="Text 7")
    again = confirm(client, page)
    assert not Job.objects.exists()
    assert (
        "The selection is 7 rows now, the quote was for 6: nothing was started, here is a new quote."
        in again.content.decode()
    )
    confirm(client, again)
    assert Job.objects.get().item_count == 7


def test_other_rows_in_place_of_the_quoted_are_quoted_anew(client, runner, tickets, triage, quiet):
    page = quote(client, tickets[:1], across="1")
    tickets[0].delete()
    Ticket.objects.create(subject="Ticket 7", text="Text 7")
    again = confirm(client, page)
    assert not Job.objects.exists()
    assert (
        "These are other rows than those that were quoted: nothing was started, here is a new quote."
        in again.content.decode()
    )
    confirm(client, again)
    assert texts(Job.objects.get())[0] == "Text 7"


def test_another_order_of_the_same_rows_is_no_other_selection(client, runner, tickets, triage, quiet):
    page = quote(client, tickets, f"{LIST}?o=1")
    Ticket.objects.filter(pk=tickets[0].pk).update(subject="Z")
    confirm(client, page, f"{LIST}?o=1")
    assert Job.objects.get().item_count == 6


@pytest.mark.parametrize("token", ["", "not-a-token"])
def test_run_without_having_seen_a_quote_shows_one(client, runner, tickets, triage, quiet, token):
    page = post(client, tickets, step="run", token=token, rows="6", **choices())
    assert page.context["quote"].rows == 6
    assert not Job.objects.exists()


def test_get_never_does_anything(client, runner, tickets, triage, quiet):
    data = choices() | {"action": "run_prompt", "step": "run", "token": str(uuid4()), "rows": "1"}
    for address in (LIST, f"{LIST}{tickets[0].pk}/run-prompt/"):
        assert client.get(address, data | {"_selected_action": tickets[0].pk}).status_code in {200, 302}
    assert not Job.objects.exists()


# --- Who may, and on what


@pytest.mark.parametrize(
    ("permissions", "offered", "status"),
    [
        (RUNNER, True, 200),
        (("aiops.run_job", "helpdesk.change_ticket"), True, 200),
        (("helpdesk.view_ticket",), False, 403),
        (("helpdesk.view_ticket", "helpdesk.change_ticket", "aiops.view_job"), False, 403),
        (("aiops.run_job",), None, 403),
        ((), None, 403),
    ],
)
def test_who_may_run(client, tickets, triage, quiet, permissions, offered, status):
    client.force_login(user_with(*permissions))
    own_page = f"{LIST}{tickets[0].pk}/run-prompt/"
    if offered is not None:
        assert ('value="run_prompt"' in client.get(LIST).content.decode()) == offered
        assert (own_page in client.get(f"{LIST}{tickets[0].pk}/change/").content.decode()) == offered
    confirmed = choices() | {"token": str(uuid4()), "rows": "6"}
    assert post(client, tickets, index=0).status_code == status
    assert client.get(own_page).status_code == status
    if status == 403:
        assert post(client, tickets, step="run", **confirmed).status_code == 403
        assert client.post(own_page, confirmed | {"step": "run"}).status_code == 403
        assert not Job.objects.exists()


def test_a_stranger_is_asked_to_log_in(client, tickets, triage):
    for answer in (post(client, tickets), client.get(f"{LIST}{tickets[0].pk}/run-prompt/")):
        assert answer.status_code == 302
        assert "/login/" in answer.url


def test_a_form_of_another_site_is_refused(runner, tickets, triage):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(runner)
    assert post(strict, tickets, step="run", **choices()).status_code == 403
    assert strict.post(f"{LIST}{tickets[0].pk}/run-prompt/", {"step": "run"} | choices()).status_code == 403


def test_only_rows_that_the_admin_gives_this_user(client, runner, tickets, triage, quiet, monkeypatch):
    seen = TicketAdmin.get_queryset
    monkeypatch.setattr(TicketAdmin, "get_queryset", lambda self, request: seen(self, request).filter(category="card"))
    for across in ("0", "1"):
        confirm(client, quote(client, tickets, across=across))
    assert [texts(job) for job in Job.objects.all()] == [["Text 5", "Text 3", "Text 1"]] * 2
    hidden = next(ticket for ticket in tickets if not ticket.category)
    assert client.get(f"{LIST}{hidden.pk}/run-prompt/").status_code == 404


def test_who_may_not_see_jobs_comes_back_to_the_list(client, tickets, triage, quiet):
    client.force_login(user_with("aiops.run_job", "helpdesk.view_ticket"))
    address = f"{LIST}?category__exact=card"
    done = confirm(client, quote(client, tickets, address), address)
    assert done.url == address
    assert "The job was started" in client.get(done.url).content.decode()


def test_a_connection_that_makes_no_sense_is_named_and_the_others_stay(
    client, runner, tickets, triage, quiet, settings
):
    others = settings.AIOPS["CONNECTIONS"]
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": others | {"broken": {"BASE_URL": "localhost"}}}
    for page in (post(client, tickets), client.get("/admin/aiops/job/run-file/")):
        text = page.content.decode()
        assert "The connection &#x27;broken&#x27; has BASE_URL that is no address" in text
        assert '<option value="local">' in text and '<option value="broken">' not in text
    confirm(client, quote(client, tickets))
    assert Job.objects.get().connection == "default"


# --- Bad choices: one sentence each, at the form, and nothing half-made


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        (
            {"version": "staging"},
            "version",
            'The prompt "triage" has no label "staging": point it to a version first. There is: production.',
        ),
        ({"version": "9"}, "version", 'The prompt "triage" has no version 9. Its latest is 1.'),
        ({"version": ""}, "version", "This field is required."),
        ({"prompt": ""}, "prompt", "This field is required."),
        (
            {"limit": "9" * 30},
            "limit",
            "Ensure this value is less than or equal to 2147483647.",
        ),
        ({"limit": "0"}, "limit", "Ensure this value is greater than or equal to 1."),
        (
            {"connection": "nowhere"},
            "connection",
            "Select a valid choice. nowhere is not one of the available choices.",
        ),
        ({"empty": "intent__in"}, "empty", "Select a valid choice. intent__in is not one of the available choices."),
    ],
)
def test_a_bad_choice_is_one_sentence_at_its_field(client, runner, tickets, triage, quiet, changed, field, sentence):
    for step in ("quote", "run"):
        page = post(client, tickets, step=step, token=str(uuid4()), rows="6", **choices(**changed))
        assert page.context["form"].errors == {field: [sentence]}
        assert page.content.decode().count('class="errorlist"') == 1
    assert not Job.objects.exists()


@pytest.fixture
def refused(client, runner, tickets, triage, quiet):
    """Quotes and runs, and gives the one sentence that both say."""

    def sentence(**changed):
        said = set()
        for step in ("quote", "run"):
            page = post(client, tickets, step=step, token=str(uuid4()), rows="6", **choices(**changed))
            (only,) = page.context["form"].non_field_errors()
            said.add(only)
        assert not Job.objects.exists()
        assert len(said) == 1
        return said.pop()

    return sentence


def test_variables_that_the_rows_do_not_have(refused):
    Prompt.objects.get().add_version(messages=[{"role": "user", "content": "{{ txt }}"}])
    said = refused(version="2")
    assert "txt" in said
    assert "text" in said


def test_no_row_is_left_to_run_on(refused):
    Ticket.objects.update(category="card")
    assert refused(empty="category")


def test_a_connection_without_a_key(refused, settings):
    others = settings.AIOPS["CONNECTIONS"]
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": others | {"keyless": {"API_KEY": "", "MODEL": "gpt-6-luna"}}}
    assert "has no key: set OPENAI_API_KEY in the environment" in refused(connection="keyless")


def test_a_price_that_nobody_knows_under_a_budget(refused):
    Budget.objects.create(name="Support", cap=10**9)
    Prompt.objects.get().add_version(messages=[{"role": "user", "content": "{{ text }}"}], model="model-of-nobody")
    assert "model-of-nobody" in refused(version="2")


def test_a_model_of_which_nothing_may_be_read(refused):
    unregister(Ticket)
    try:
        assert "helpdesk.Ticket has no source" in refused()
    finally:
        register(Ticket, source=TicketSource, target=TicketTarget)


def test_nothing_selected_is_said_by_the_list(client, runner, tickets, triage, quiet):
    page = client.post(LIST, {"action": "run_prompt", "index": 0}, follow=True)
    assert "Items must be selected" in page.content.decode()


def test_no_prompt_yet_says_what_to_do(client, tickets):
    client.force_login(user_with(*RUNNER, "prompts.add_prompt"))
    text = post(client, tickets).content.decode()
    assert "There is no prompt yet" in text
    assert reverse("admin:prompts_prompt_add") in text


# --- Money


def test_what_is_left_of_a_budget_is_shown(client, runner, tickets, triage, quiet):
    Budget.objects.create(name="Support, November", cap=10**7)
    page = quote(client, tickets)
    cost = dollars(page.context["quote"].cost.high)
    assert f"Budget “Support, November”: $0.010 left, of which this takes {cost} at most." in page.content.decode()


def test_a_budget_that_may_not_be_enough_is_said(client, runner, tickets, triage, quiet):
    Budget.objects.create(name="Small", cap=1)
    assert "which may not be enough; the job pauses when it is spent." in quote(client, tickets).content.decode()


# --- From a ticket's own page


def test_from_a_ticket_to_a_job(client, runner, tickets, triage, quiet):
    ticket = tickets[1]
    page = client.get(f"{LIST}{ticket.pk}/change/").content.decode()
    own_page = f"{LIST}{ticket.pk}/run-prompt/"
    assert f'<a href="{own_page}">Run a prompt…</a>' in page
    assert ">History<" in page
    page = client.get(own_page)
    assert "Run a prompt on 1 ticket" in page.content.decode()
    assert "limit" not in page.context["form"].fields
    page = client.post(own_page, choices() | {"step": "quote"})
    done = confirm(client, page, own_page)
    job = Job.objects.get()
    assert done.url == reverse("admin:aiops_job_change", args=[job.pk])
    assert [(item.row_key, item.variables["text"]) for item in job.items.all()] == [(str(ticket.pk), "Text 2")]


def test_a_page_of_a_row_that_is_gone_is_not_found(client, runner, triage):
    assert client.get(f"{LIST}12345/run-prompt/").status_code == 404


def test_the_add_page_has_no_button(client, triage):
    client.force_login(user_with(*RUNNER, "helpdesk.add_ticket"))
    page = client.get(f"{LIST}add/")
    assert page.status_code == 200
    assert "run-prompt" not in page.content.decode()


def test_a_template_and_actions_of_the_shop_stay_in_use():
    class Shop(RunPromptMixin, admin.ModelAdmin):
        change_form_template = "admin/change_form.html"
        actions = ("mark",)

        def mark(self, request, queryset):
            """Something of the shop's own."""

    class Quiet(RunPromptMixin, admin.ModelAdmin):
        actions = None

    assert Shop(Ticket, admin.site).actions == ["mark", "run_prompt"]
    assert Shop.actions == ("mark",)
    assert Quiet(Ticket, admin.site).actions is None
    assert Shop(Ticket, admin.site).check() == []


# --- Pages that stay quick and hold nothing that runs


def test_the_pages_ask_the_database_little_whatever_the_number_of_rows(
    client, runner, triage, quiet, django_assert_max_num_queries
):
    Ticket.objects.bulk_create(Ticket(subject=f"{n}", text=f"Text {n}") for n in range(40_000))
    one = Ticket.objects.first()
    with django_assert_max_num_queries(12):
        page = post(client, [one], select_across="1")
    assert "Run a prompt on 40,000 tickets" in page.content.decode()
    assert len(page.content) < 20_000
    with django_assert_max_num_queries(24):
        page = quote(client, [one], across="1")
    assert page.context["quote"].rows == 40_000
    assert len(page.content) < 20_000


def test_more_prompts_and_labels_are_not_more_queries(client, runner, tickets, triage, django_assert_max_num_queries):
    for n in range(20):
        version = Prompt.objects.create(name=f"p{n}", title=f"Prompt {n}").add_version(
            messages=[{"role": "user", "content": "{{ text }}"}]
        )
        version.set_label("staging")
    with django_assert_max_num_queries(12):
        text = post(client, tickets).content.decode()
    assert "Prompt 7 (staging → 1)" in text
    assert '<option value="staging"></option>' in text


def test_the_pages_hold_no_code_and_no_style_of_their_own(client, runner, tickets, triage):
    Ticket.objects.filter(pk=tickets[0].pk).update(subject="<script>alert(1)</script>")
    own_page = f"{LIST}{tickets[0].pk}/run-prompt/"
    for page in (
        post(client, tickets),
        quote(client, tickets),
        client.get(own_page),
        client.post(own_page, choices() | {"step": "quote"}),
    ):
        text = page.content.decode()
        assert not re.search(
            r"<script(?![^>]*\ssrc=)[^>]*>\s*\S",
            re.sub(r'<script[^>]*type="application/json".*?</script>', "", text, flags=re.S),
        )
        assert not re.search(r"\son\w+=|\sstyle=|<style|alert\(1\)</script>", text)

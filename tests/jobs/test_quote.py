"""What a job would cost, said before anything is sent."""

import io
import json

import pytest

from aiops.gateway.testing import Answer
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.quote import quote
from aiops.jobs.quote.each import Basis
from aiops.jobs.sources import FileSource, model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket
from prompts.models import OutputSchema, Prompt

pytestmark = pytest.mark.usefixtures("budget")


def test_rows_tokens_and_cost_are_said_in_three_sentences(triage, tickets, provider):
    Ticket.objects.create(subject="again", text=tickets[0].text)
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert (said.rows, said.unique_rows) == (21, 20)
    rows, tokens, cost, *_rest = said.sentences()
    assert rows == "21 rows of helpdesk.Ticket, 20 unique: identical ones are asked once"
    read = said.tokens_in
    # Nobody says how much of a schema is counted.
    assert tokens == (
        f"{read.likely:,} tokens in, estimated ({read.low:,} to {read.high:,}), "
        f"and {said.tokens_out.low:,} to 2,000 out"
    )
    assert cost.startswith("between $0.0")
    assert cost.endswith(" on gpt-6-luna")
    [left] = said.budgets
    assert (left.name, left.left, left.after) == ("Everything", 20_000_000_000, 20_000_000_000 - said.cost.high)
    assert provider.requests == []


def test_input_without_a_schema_is_counted_as_the_provider_will(db, tickets, provider, settings):
    """By the stand-in's own tokenizer, which it lends to whoever is on the same machine."""
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "TOKENIZER": "server"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    version = Prompt.objects.create(name="sum-up", title="Sum up").add_version(
        messages=[{"role": "user", "content": "Sum up: {{ text }}"}], output_limit=50
    )
    said = quote(version, model_source("helpdesk.Ticket"))
    job = start_job(version, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert said.tokens_in.likely == job.tokens_in
    assert said.sentences()[1].startswith(f"{job.tokens_in:,} tokens in, counted, and 20 to 1,000 out")


def test_where_nobody_counts_it_is_called_an_estimate_until_answers_have_been_measured(
    triage, tickets, provider, settings
):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "PROVIDER": "groq", "FREE": True}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    before = quote(triage, model_source("helpdesk.Ticket"))
    assert before.basis == Basis.ESTIMATED
    assert before.sentences()[1].startswith(f"{before.tokens_in.likely:,} tokens in, estimated (")
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert before.tokens_in.low <= job.tokens_in <= before.tokens_in.high
    after = quote(triage, model_source("helpdesk.Ticket"))
    assert after.basis == Basis.MEASURED
    assert after.tokens_in.likely == pytest.approx(job.tokens_in, rel=0.02)


def test_rows_that_the_version_has_answered_are_named(triage, tickets, provider):
    job = start_job(triage, model_source("helpdesk.Ticket", limit=3))
    work(job.pk)
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert said.answered == 3
    assert "3 of the 20 rows looked at were answered by this version before, and are asked again" in said.sentences()


def test_answers_that_may_be_given_again_may_cost_nothing(triage, tickets, provider):
    triage.prompt.reuse_seconds = 3600
    triage.prompt.save()
    work(start_job(triage, model_source("helpdesk.Ticket")).pk)
    said = quote(triage, model_source("helpdesk.Ticket"))
    told = "20 of the 20 rows looked at were answered by this version before: they may get that answer, for nothing"
    assert told in said.sentences()
    assert said.cost.low == 0
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert said.cost.low <= job.cost <= said.cost.high


@pytest.fixture
def lent(settings):
    """The server on this machine counts."""
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "TOKENIZER": "server"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}


@pytest.fixture
def sum_up(db):
    return Prompt.objects.create(name="sum-up", title="Sum up").add_version(
        messages=[{"role": "user", "content": "Sum up: {{ text|lower }}"}], output_limit=50
    )


def came_to(version, source):
    job = start_job(version, source)
    work(job.pk)
    job.refresh_from_db()
    return job


def test_short_rows_that_are_all_the_same_do_not_make_the_long_ones_cheap(sum_up, provider, lent):
    texts = ["short"] * 90 + [f"long {number} " + "word " * 500 for number in range(10)]

    def rows():
        return FileSource(io.BytesIO(("text\n" + "\n".join(texts)).encode()), name="rows.csv")

    said, job = quote(sum_up, rows()), came_to(sum_up, rows())
    assert said.asked == 11
    assert job.items.filter(same_as=None).count() == 11
    assert said.tokens_in.likely == job.tokens_in
    assert job.cost <= said.cost.high


def test_what_only_renders_alike_is_asked_by_itself_and_counted_so(sum_up, provider, lent):
    def rows():
        return FileSource(io.BytesIO(b"text\nYes\nyes\nYES\nyes\n"), name="rows.csv")

    said, job = quote(sum_up, rows()), came_to(sum_up, rows())
    assert (said.asked, said.unique_rows, job.duplicates) == (3, 3, 1)
    assert said.tokens_in.likely == job.tokens_in


def test_objects_in_another_order_are_no_duplicates(db, provider):
    version = Prompt.objects.create(name="walk", title="Walk").add_version(
        messages=[{"role": "user", "content": "{% for k, v in x.items() %}{{ k }}{{ v }}{% endfor %}"}], output_limit=50
    )

    def rows():
        return FileSource(io.BytesIO(b'[{"x": {"a": 1, "b": 2}}, {"x": {"b": 2, "a": 1}}]'), name="rows.json")

    assert quote(version, rows()).asked == 2
    assert came_to(version, rows()).duplicates == 0


def test_the_rest_of_a_long_source_is_reckoned_from_its_beginning_and_says_so(sum_up, provider, lent):
    rows = FileSource(io.BytesIO(b"text\n" + b"".join(b"row %d\n" % number for number in range(3000))), name="rows.csv")
    said = quote(sum_up, rows)
    assert said.basis == Basis.ESTIMATED
    assert said.tokens_in.low < said.tokens_in.likely < said.tokens_in.high
    assert said.asked == 3000


def test_failed_answers_were_paid_for_and_count(triage, tickets, provider):
    provider.when(lambda request: True, Answer("{}"))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    assert job.items.failed().count() == 20
    assert quote(triage, model_source("helpdesk.Ticket")).past == 20


def test_the_least_time_is_that_of_the_limits(triage, tickets, provider, settings):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "REQUESTS_PER_MINUTE": 60}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert (said.pace.seconds, said.pace.is_least) == (20, True)
    assert "at least 20 s: the limits let no more through" in said.sentences()


def test_the_time_is_that_of_past_answers(triage, tickets, provider, settings):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 2}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    provider.when(lambda request: True, lambda request: Answer(delay=0.1))
    assert quote(triage, model_source("helpdesk.Ticket")).pace is None
    work(start_job(triage, model_source("helpdesk.Ticket")).pk)
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert not said.pace.is_least
    # Ten turns of two at a time.
    assert said.pace.seconds >= 1
    assert any(sentence.endswith("at the present limits, if nothing else runs") for sentence in said.sentences())


def test_what_a_batch_would_cost_is_said_where_the_provider_has_a_price_for_it(triage, tickets, provider):
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert said.batch.high == pytest.approx(said.cost.high / 2, rel=0.01)


def test_past_answers_of_the_version_make_the_next_quote_exact(triage, tickets, provider):
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert said.past == 20
    assert said.tokens_in.likely == pytest.approx(job.tokens_in, rel=0.02)
    assert said.tokens_in.low <= job.tokens_in <= said.tokens_in.high
    assert said.tokens_out.low <= job.tokens_out <= said.tokens_out.high < 2000
    assert said.cost.low <= said.cost.likely <= said.cost.high < 1.5 * said.cost.low
    assert said.cost.low <= job.cost <= said.cost.high


def test_the_worst_case_covers_what_it_came_to(triage, tickets, provider):
    before = quote(triage, model_source("helpdesk.Ticket"))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.cost <= before.cost.high


def test_a_free_connection_is_called_free(triage, tickets, settings, provider):
    local = {**settings.AIOPS["CONNECTIONS"]["default"], "FREE": True}
    settings.AIOPS = {"CONNECTIONS": {"default": local}}
    assert quote(triage, model_source("helpdesk.Ticket")).sentences()[2] == "free on gpt-6-luna"


def test_a_quote_is_refused_as_the_job_would_be(triage, tickets, provider):
    with pytest.raises(JobRefused, match="Nobody knows what “our-own” costs"):
        quote(triage, model_source("helpdesk.Ticket"), model="our-own")


@pytest.fixture
def by_author(db):
    """A version that reads what only some rows have."""
    prompt = Prompt.objects.create(name="authors", title="Authors")
    return prompt.add_version(messages=[{"role": "user", "content": "{{ author.name }}"}], output_limit=100)


def rows_of(*authors):
    data = json.dumps([{"author": author} for author in authors]).encode()
    return FileSource(io.BytesIO(data), name="rows.json")


ADA, NOBODY, NAMELESS = {"name": "Ada"}, {}, {"title": "Dr."}


@pytest.mark.parametrize(
    ("authors", "sentence"),
    [
        (
            [NOBODY, ADA],
            "1 row does not fit the prompt and will fail without being asked. Row 1: Message 1 (user) reads "
            '"name", which is not there. There is: none.',
        ),
        (
            [ADA, NOBODY, ADA, NAMELESS],
            "2 rows do not fit the prompt and will fail without being asked. The first, row 2: Message 1 (user) reads "
            '"name", which is not there. There is: none.',
        ),
        (
            [ADA] * 999 + [NOBODY] * 2,
            "1 of the first 1,000 rows does not fit the prompt and will fail without being asked. Row 1,000: "
            'Message 1 (user) reads "name", which is not there. There is: none.',
        ),
    ],
    ids=["the first", "two", "of many"],
)
def test_rows_that_do_not_fit_are_counted_and_stop_no_others(by_author, provider, authors, sentence):
    said = quote(by_author, rows_of(*authors))
    assert said.sentences()[-1] == sentence
    job = start_job(by_author, rows_of(*authors))
    assert job.item_count == said.rows == len(authors)
    if len(authors) < 10:
        work(job.pk)
        assert job.items.failed().count() == len(authors) - authors.count(ADA)
        assert len(provider.requests) == 1


def test_rows_that_are_never_asked_cost_nothing(by_author, provider):
    assert quote(by_author, rows_of(ADA, NOBODY, NOBODY)).cost == quote(by_author, rows_of(ADA)).cost


@pytest.mark.parametrize("door", [quote, start_job])
@pytest.mark.parametrize(
    ("authors", "sentence"),
    [
        ([NOBODY], 'The row does not fit the prompt: Message 1 (user) reads "name", which is not there.'),
        ([NOBODY] * 1001 + [ADA], "None of the first 1,000 rows fits the prompt. The first: Message 1 (user) reads"),
    ],
)
def test_a_job_of_which_no_row_fits_is_refused(by_author, provider, door, authors, sentence):
    with pytest.raises(JobRefused) as refusal:
        door(by_author, rows_of(*authors))
    assert str(refusal.value).startswith(sentence)
    assert not Job.objects.exists()


def test_answers_may_hold_things_of_their_own_kind(db, provider):
    body = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "parts": {"type": "array", "items": {"$ref": "#"}},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        },
        "required": ["name", "parts", "next"],
        "additionalProperties": False,
    }
    schema = OutputSchema.objects.create(name="parts", title="Parts").add_version(body)
    version = Prompt.objects.create(name="parts", title="Parts").add_version(
        messages=[{"role": "user", "content": "{{ text }}"}], schema=schema
    )
    source = FileSource(io.BytesIO(b"text\n" + b"".join(b"row %d\n" % n for n in range(20))), name="rows.csv")
    assert quote(version, source).tokens_out.low > 0
    job = start_job(version, source)
    work(job.pk)
    assert {status: n for status, n in job.items.count_by_status().items() if n} == {"succeeded": 20}
    assert any(item.data["parts"] and item.data["parts"][0]["name"] for item in job.items.all())

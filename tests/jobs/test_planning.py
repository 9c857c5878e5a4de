"""A large job is planned on by workers: a chunk a transaction, from where whoever was at it before has left it."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, ProgrammingError, connection
from django.db.models import Window
from django.db.models.functions import RowNumber
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aiops import start_job as start_from_code
from aiops.jobs.again import Which, rows_again
from aiops.jobs.attendance import attendance_of
from aiops.jobs.control import resume, retry_failed, stop
from aiops.jobs.duplicates import Firsts
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.inputs import Inputs
from aiops.jobs.models import Item, Job, Notice, UnreadPart
from aiops.jobs.planner import LostJob, Planner, next_chunk
from aiops.jobs.seen import remade
from aiops.jobs.sources import FileSource, ModelSource, model_source
from aiops.jobs.sources.first_rows import FirstRows
from aiops.jobs.stale import stale_rows
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from aiops.jobs.unread import unread_by
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from project.helpdesk.resources import TicketSource

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget", "provider")]

ROWS = 35
AT_ONCE = 10


@pytest.fixture(autouse=True)
def few_at_once(settings):
    """Ten rows at the door and in each transaction, and slices that are over after one."""
    settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": AT_ONCE}


@pytest.fixture
def one_chunk_a_slice(monkeypatch):
    from aiops.jobs import tasks

    plan = tasks.plan_slice
    monkeypatch.setattr(tasks, "plan_slice", lambda job, seconds: plan(job, seconds=-1))


@pytest.fixture
def many(db):
    Ticket.objects.bulk_create([Ticket(subject=f"{n % 4}", text=f"Text {n}") for n in range(ROWS)])
    return list(Ticket.objects.order_by("pk"))


def keys(job):
    return [int(key) for key in job.items.order_by("position").values_list("row_key", flat=True)]


def is_whole(job):
    """Each position once, and the job says how many there are."""
    job.refresh_from_db()
    positions = list(job.items.order_by("position").values_list("position", flat=True))
    return job.status == Job.Status.RUNNING and positions == list(range(1, job.item_count + 1))


def stop_reading(job):
    """It is paused in the middle."""
    job.pause("A row could not be read.")
    return job


@pytest.fixture
def planning(triage, many):
    """A job of which the first ten rows are read."""
    job = start_job(triage, model_source("helpdesk.Ticket"))
    assert (job.status, job.item_count) == (Job.Status.PLANNING, AT_ONCE)
    return job


class TestGoingOn:
    def test_a_small_job_runs_when_it_is_started(self, triage, many):
        job = start_job(triage, model_source("helpdesk.Ticket", limit=AT_ONCE - 1))
        assert (job.status, job.item_count, job.planned_at is not None) == (Job.Status.RUNNING, AT_ONCE - 1, True)
        assert job.rung_at and job.worker is None and not UnreadPart.objects.exists()

    def test_of_a_large_one_the_rest_is_read_by_a_worker_that_was_rung_for(self, planning, many, provider):
        planning.refresh_from_db()
        assert planning.rung_at and planning.worker is None
        assert planning.reading_sentence == "Its rows are being read: 10 so far, of about 35."
        assert work(planning.pk, planning.rung_at.isoformat()) == 0
        assert is_whole(planning) and keys(planning) == [ticket.pk for ticket in many]
        assert planning.rung_at and not UnreadPart.objects.exists() and provider.requests == []
        [slice_] = planning.slices.all()
        assert (slice_.end, slice_.ended_items) == ("went_on", 0)
        assert work(planning.pk, planning.rung_at.isoformat()) == ROWS

    def test_while_nobody_reads_on_it_says_what_it_waits_for(self, planning):
        planning.refresh_from_db()
        attendance = attendance_of(planning, timezone.now())
        assert attendance.is_bad and "Start them: manage.py work" in attendance.waits_for()

    def test_a_slice_that_is_over_leaves_the_rest_to_the_next(self, planning, one_chunk_a_slice):
        so_far = []
        while planning.status == Job.Status.PLANNING:
            work(planning.pk)
            planning.refresh_from_db()
            so_far.append(planning.item_count)
        # A slice that is over at once still reads one row.
        assert so_far == [*range(AT_ONCE + 1, ROWS + 1), ROWS]
        assert is_whole(planning)

    @pytest.mark.parametrize("order", ["", "subject", "-subject", "-created_at", "-pk"])
    def test_the_rows_are_in_their_order_whatever_it_is(self, triage, many, order):
        source = model_source("helpdesk.Ticket", order=order, limit=33)
        expected = [ticket.pk for ticket in source.queryset.all()]
        job = start_job(triage, source)
        work(job.pk)
        assert is_whole(job) and keys(job) == expected

    @pytest.mark.parametrize("limit", [None, 27])
    def test_a_file_is_read_on(self, triage, limit):
        text = "subject,text\n" + "".join(f"s,Text {n}\n" for n in range(ROWS))
        source = FileSource(io.BytesIO(text.encode()), name="rows.csv")
        job = start_job(triage, source if limit is None else FirstRows(source, limit))
        work(job.pk)
        assert is_whole(job)
        read = [variables["text"] for variables in job.items.order_by("position").values_list("variables", flat=True)]
        assert read == [f"Text {n}" for n in range(limit or ROWS)]
        assert not UnreadPart.objects.exists()
        again = start_job(triage, rows_again(job, Which.SAME), again_of=job)
        assert again.status == Job.Status.PLANNING
        work(again.pk)
        assert is_whole(again) and again.item_count == job.item_count

    def test_rows_that_were_picked_are_read_on(self, triage, many):
        job = start_job(triage, in_need(model_source("helpdesk.Ticket"), triage, {Standing.NEW}))
        assert job.status == Job.Status.PLANNING
        work(job.pk)
        assert is_whole(job) and keys(job) == [ticket.pk for ticket in many]

    def test_so_is_a_queryset_of_the_shops_code(self, many, triage):
        job = start_from_code("triage", Ticket.objects.exclude(subject="1").order_by("-pk"))
        work(job.pk)
        assert is_whole(job) and keys(job) == [ticket.pk for ticket in many[::-1] if ticket.subject != "1"]

    def test_what_only_this_process_can_read_is_planned_at_once(self, triage, many):
        class Own(ModelSource):
            pass

        numbered = Ticket.objects.annotate(number=Window(RowNumber(), order_by="pk"))
        # Another database, or other rows beside them: a key says neither.
        elsewhere, beside = Ticket.objects.using("default"), Ticket.objects.prefetch_related("ticket_set")
        assert not ModelSource(beside).is_found_by_key
        for source in (Own(Ticket.objects.all()), ModelSource(numbered), ModelSource(elsewhere)):
            job = start_job(triage, source)
            assert is_whole(job) and job.item_count == ROWS

    def test_rows_of_a_person_are_read_as_long_as_that_person_may_see_them(self, triage, many):
        ada = User.objects.create_user("ada", is_staff=True)
        ada.user_permissions.add(Permission.objects.get(codename="view_ticket"))
        ada = User.objects.get(pk=ada.pk)
        source = remade({"kind": "model", "model": "helpdesk.Ticket", "filters": []}, ada)
        job = start_job(triage, source, user=ada)
        ada.user_permissions.clear()
        work(job.pk)
        job.refresh_from_db()
        assert (job.status, job.item_count) == (Job.Status.PAUSED, AT_ONCE)
        assert "ada may not view helpdesk.Ticket" in job.paused_because
        ada.user_permissions.add(Permission.objects.get(codename="view_ticket"))
        resume(job)
        work(job.pk)
        assert is_whole(job) and job.item_count == ROWS

    def test_a_chunk_takes_as_many_queries_however_many_there_are(self, triage, settings):
        Ticket.objects.bulk_create([Ticket(text=f"Text {n % 30}") for n in range(600)])
        taken = []
        # The first fills what is asked once a process.
        for rows in (60, 100, 600):
            settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": 50}
            job = start_job(triage, model_source("helpdesk.Ticket", limit=rows))
            settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": rows}
            with CaptureQueriesContext(
                connection,
            ) as found:
                work(job.pk)
            assert is_whole(job)
            taken.append(len(found))
        assert taken[1] == taken[2]


class TestIdenticalRows:
    def test_are_found_over_the_cut(self, triage, provider):
        Ticket.objects.bulk_create([Ticket(text=f"Text {n % 12}") for n in range(ROWS)])
        job = start_job(triage, model_source("helpdesk.Ticket"))
        work(job.pk)
        assert is_whole(job) and job.duplicates == ROWS - 12
        same = dict(job.items.values_list("position", "same_as"))
        assert same == {n: None if n <= 12 else (n - 1) % 12 + 1 for n in range(1, ROWS + 1)}
        work(job.pk)
        assert len(provider.requests) == 12

    def test_half_a_digest_that_is_the_same_is_not_enough(self, triage):
        Ticket.objects.bulk_create([Ticket(text=f"Text {n}") for n in range(ROWS)])
        job = start_job(triage, model_source("helpdesk.Ticket"))
        last = Ticket.objects.order_by("pk").last()
        inputs = Inputs(triage)
        row = next(row for row in model_source("helpdesk.Ticket", filters=[f"pk={last.pk}"]).rows())
        # As if the first row had by chance as much of a digest as this one.
        job.items.filter(position=1).update(inputs=int.from_bytes(inputs.digest(row.variables)[:8], signed=True))
        work(job.pk)
        assert is_whole(job) and job.duplicates == 0

    def test_no_more_is_kept_in_mind_than_by_whoever_began(self, triage):
        Ticket.objects.bulk_create([Ticket(text=f"Text {n}") for n in range(9)])
        job = start_job(triage, model_source("helpdesk.Ticket"))
        inputs = Inputs(triage)
        digests = [inputs.digest(variables) for variables in job.items.values_list("variables", flat=True)]
        began = Firsts(remembered=5)
        assert [began.of(digest, n) for n, digest in enumerate(digests, 1)] == [None] * 9
        goes_on = Firsts.of_job(job, remembered=5)
        goes_on.recall(digests, inputs)
        found = [began.of(digest, 10) for digest in digests]
        assert [goes_on.of(digest, 10) for digest in digests] == found == [1, 2, 3, 4, 5, None, None, None, None]


class TestRowsThatMove:
    def test_rows_that_come_or_go_meanwhile_harm_nobody(self, planning, many):
        Ticket.objects.filter(pk__in=[many[3].pk, many[20].pk, many[34].pk]).delete()
        Ticket.objects.filter(pk=many[21].pk).update(text="Changed")
        Ticket.objects.create(text="Came")
        work(planning.pk)
        gone = {many[20].pk, many[34].pk}
        assert is_whole(planning) and keys(planning) == [ticket.pk for ticket in many if ticket.pk not in gone]
        assert planning.items.get(row_key=many[21].pk).variables["text"] == "Changed"

    def test_a_row_that_moves_in_the_order_is_read_once(self, triage, many):
        job = start_job(triage, model_source("helpdesk.Ticket", order="subject"))
        first, last = job.items.get(position=1).row_key, Ticket.objects.order_by("subject", "pk").last()
        Ticket.objects.filter(pk=first).update(subject="9")
        Ticket.objects.filter(pk=last.pk).update(subject="")
        work(job.pk)
        assert is_whole(job) and Counter(keys(job)) == Counter(ticket.pk for ticket in many)

    def test_where_all_the_others_have_gone_it_begins_with_those_that_it_has(self, planning, many):
        Ticket.objects.filter(pk__in=[ticket.pk for ticket in many[AT_ONCE:]]).delete()
        work(planning.pk)
        assert is_whole(planning) and planning.item_count == AT_ONCE


class TestTwoAtOnce:
    def test_a_planner_that_has_lost_the_job_writes_nothing(self, planning):
        token = uuid4()
        now = timezone.now()
        assert planning.take(token, until=now - timedelta(seconds=1), now=now, planning=True)
        late = Planner(planning, token, Firsts.of_job(planning))
        chunk = next_chunk(unread_by(planning).read(planning.read_to))
        work(planning.pk)
        with pytest.raises(LostJob):
            late.write(chunk)
        with pytest.raises(LostJob):
            late.begin()
        assert is_whole(planning) and planning.item_count == ROWS

    def test_nor_while_another_is_in_the_middle_of_it(self, planning):
        early, late, now = uuid4(), uuid4(), timezone.now()
        assert planning.take(late, until=now - timedelta(seconds=1), now=now, planning=True)
        chunk = next_chunk(unread_by(planning).read(planning.read_to))
        was_late = Planner(Job.objects.get(pk=planning.pk), late, Firsts())
        assert planning.take(early, until=now + timedelta(seconds=60), now=now, planning=True)
        with pytest.raises(LostJob):
            was_late.write(chunk)
        Planner(Job.objects.get(pk=planning.pk), early, Firsts()).write(chunk)
        assert Job.objects.get(pk=planning.pk).item_count == planning.items.count() == 2 * AT_ONCE

    def test_nor_does_a_second_one_begin_while_one_is_at_it(self, planning):
        now = timezone.now()
        assert planning.take(uuid4(), until=now + timedelta(seconds=60), now=now, planning=True)
        work(planning.pk)
        planning.refresh_from_db()
        assert (planning.status, planning.item_count) == (Job.Status.PLANNING, AT_ONCE)

    def test_one_that_was_written_already_is_not_written_twice(self, planning):
        token, now = uuid4(), timezone.now()
        assert planning.take(token, until=now + timedelta(seconds=60), now=now, planning=True)
        chunk = next_chunk(unread_by(planning).read(planning.read_to))
        for _ in range(2):
            # The second is one whose connection broke before it heard that the first was committed.
            Planner(Job.objects.get(pk=planning.pk), token, Firsts()).write(chunk)
        assert Job.objects.get(pk=planning.pk).item_count == planning.items.count() == 2 * AT_ONCE

    def test_the_sweeper_rings_for_one_whose_planner_has_died(self, planning):
        now = timezone.now()
        assert planning.take(uuid4(), until=now + timedelta(seconds=60), now=now, planning=True)
        assert sweep() == 0
        Job.objects.update(worker_until=now - timedelta(seconds=1), created_at=now - timedelta(days=3))
        assert sweep() == 1
        planning.refresh_from_db()
        work(planning.pk, planning.rung_at.isoformat())
        assert is_whole(planning) and planning.item_count == ROWS


class TestStopping:
    def test_a_stopped_job_reads_no_further_row_and_is_no_whole_one(self, planning, provider):
        assert "nothing was asked" in stop(planning)
        assert work(planning.pk) == 0 and sweep() == 0
        planning.refresh_from_db()
        assert (planning.status, planning.item_count, planning.planned_at) == (Job.Status.STOPPED, AT_ONCE, None)
        assert planning.reading_sentence == "It was stopped while its rows were being read: 10 so far."
        assert provider.requests == []

    def test_stopped_at_the_door_somebody_else_can_take_it_at_once(self, triage, many, monkeypatch):
        read = TicketSource.export_field

        def export_field(self, field, instance, **kwargs):
            # The first chunk is written, the second is being read.
            if instance.pk == many[AT_ONCE].pk:
                Job.objects.update(status=Job.Status.STOPPED)
            return read(self, field, instance, **kwargs)

        monkeypatch.setattr(TicketSource, "export_field", export_field)

        class Own(ModelSource):
            """Read at the door, whatever its length."""

        job = start_job(triage, Own(Ticket.objects.all()))
        job.refresh_from_db()
        assert (job.status, job.item_count, job.worker) == (Job.Status.STOPPED, AT_ONCE, None)

    def test_resumed_it_reads_on_and_runs(self, planning):
        stop(planning)
        resume(planning)
        assert planning.status == Job.Status.PLANNING
        with pytest.raises(WrongState, match="being read already"):
            resume(planning)
        planning.refresh_from_db()
        work(planning.pk, planning.rung_at.isoformat())
        assert is_whole(planning) and planning.item_count == ROWS
        stop(planning)
        resume(planning)
        assert planning.status == Job.Status.RUNNING

    def test_stopped_or_deleted_in_the_middle_of_a_chunk_nothing_more_is_written(self, planning, monkeypatch):
        read = TicketSource.export_field

        def act(do):
            def export_field(self, field, instance, **kwargs):
                do()
                return read(self, field, instance, **kwargs)

            monkeypatch.setattr(TicketSource, "export_field", export_field)

        act(lambda: Job.objects.update(status=Job.Status.STOPPED))
        work(planning.pk)
        planning.refresh_from_db()
        assert (planning.item_count, planning.items.count(), planning.worker) == (AT_ONCE, AT_ONCE, None)
        act(lambda: None)
        resume(planning)
        act(lambda: Job.objects.all().delete())
        work(planning.pk)
        assert not Job.objects.exists() and not Item.objects.exists() and not UnreadPart.objects.exists()

    def test_whether_a_row_is_new_nobody_can_say_before_all_are_read(self, planning, triage):
        for job in (planning, stop_reading(planning)):
            with pytest.raises(JobRefused, match=f"The rows of job {job.pk} are still being read"):
                in_need(ModelSource(Ticket.objects.all()), triage, {Standing.NEW})
        Job.objects.update(status=Job.Status.STOPPED)
        assert in_need(ModelSource(Ticket.objects.all()), triage, {Standing.NEW}).count() == ROWS

    def test_other_doors_say_that_it_is_no_whole_job(self, planning):
        with pytest.raises(WrongState, match="still being planned"):
            retry_failed(planning)
        stop(planning)
        assert retry_failed(planning).count == 0
        for refused in (lambda: rows_again(planning, Which.SAME), lambda: stale_rows(planning, None)):
            with pytest.raises(JobRefused, match="let it read on first"):
                refused()


class TestTrouble:
    @pytest.fixture
    def broken(self, monkeypatch):
        """The source of tickets fails on one, as long as it is in here."""
        keys = set()
        read = TicketSource.export_field

        def export_field(self, field, instance, **kwargs):
            if instance.pk in keys:
                raise LookupError("no such price")
            return read(self, field, instance, **kwargs)

        monkeypatch.setattr(TicketSource, "export_field", export_field)
        return keys

    def test_a_row_that_cannot_be_read_pauses_the_job_and_says_why(self, planning, many, broken):
        planning.user = User.objects.create_user("ada")
        planning.save()
        broken.add(many[25].pk)
        work(planning.pk)
        planning.refresh_from_db()
        assert (planning.status, planning.item_count) == (Job.Status.PAUSED, 2 * AT_ONCE)
        assert planning.paused_because.startswith("Its rows could not be read on. TicketSource cannot read the row")
        assert "no such price" in planning.paused_because
        assert Notice.objects.filter(job=planning, what="paused", way="admin").count() == 1
        broken.clear()
        resume(planning)
        work(planning.pk)
        assert is_whole(planning) and keys(planning) == [ticket.pk for ticket in many]

    def test_a_table_that_lacks_a_column_pauses_it_as_well(self, planning, many):
        def no_column(execute, sql, *arguments):
            if "helpdesk_ticket" in sql:
                raise ProgrammingError("no such column: colour")
            return execute(sql, *arguments)

        with connection.execute_wrapper(no_column):
            work(planning.pk)
        planning.refresh_from_db()
        assert planning.status == Job.Status.PAUSED and "no such column" in planning.paused_because
        assert [one.end for one in planning.slices.all()] == ["paused"]

    def test_a_database_that_is_out_of_order_does_not(self, planning, many):
        def away(execute, sql, *arguments):
            if "helpdesk_ticket" in sql:
                raise OperationalError("it is being restarted")
            return execute(sql, *arguments)

        with connection.execute_wrapper(away), pytest.raises(OperationalError):
            work(planning.pk)
        planning.refresh_from_db()
        assert planning.status == Job.Status.PLANNING
        assert [one.end for one in planning.slices.all()] == ["broken"]

    def test_at_the_door_it_is_refused_and_nothing_is_left(self, triage, many, broken):
        for place in (2, 5):
            broken.clear()
            broken.add(many[place].pk)
            with pytest.raises(JobRefused, match="cannot read the row"):
                start_job(triage, model_source("helpdesk.Ticket"), most_cost=10**9)
            assert not Job.objects.exists() and not Item.objects.exists() and not UnreadPart.objects.exists()
            assert not Budget.objects.filter(scope="job").exists()

    def test_a_file_that_is_gone_and_a_source_of_one_process_are_told(self, triage, planning):
        UnreadPart.objects.all().delete()
        Job.objects.update(reading={"kind": "file", "name": "rows.csv", "limits": {}, "limit": None})
        work(planning.pk)
        planning.refresh_from_db()
        assert planning.paused_because.endswith("The file of this job is gone: delete it, and start it anew.")
        Job.objects.update(reading=None)
        resume(planning)
        work(planning.pk)
        planning.refresh_from_db()
        assert "Only the process that started this job could read its rows" in planning.paused_because

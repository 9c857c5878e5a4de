"""Whoever started a job is told that it is done or paused: once, and only if it is so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core import mail
from django.core.checks import run_checks
from django.db import transaction
from django.test import Client
from django.utils import timezone

from aiops.gateway.testing import Status
from aiops.jobs.control import retry_failed
from aiops.jobs.models import Job, Notice
from aiops.jobs.models.notice import WAITS
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from aiops.jobs.telling import tell_ends
from aiops.stops.switch import stop_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

KEY = "whsec_" + base64.b64encode(b"thirty-two bytes of a real secret").decode()


@pytest.fixture
def ada(django_user_model, transactional_db):
    return django_user_model.objects.create_superuser("ada", "ada@example.com", "x")


@pytest.fixture
def job(triage, tickets, provider, ada):
    """A job of Ada's that has been at work for an hour."""
    made = start_job(triage, model_source("helpdesk.Ticket"), user=ada)
    Job.objects.update(started_at=timezone.now() - timedelta(hours=1))
    made.refresh_from_db()
    return made


@contextmanager
def webhook(*statuses):
    """A server that takes what is posted, and answers with these; gives its address, headers and bodies."""
    answers, posted = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", posted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hook(settings, monkeypatch):
    """Where it is posted."""
    monkeypatch.setenv("JOB_WEBHOOK_KEY", KEY)
    with webhook() as (address, posted):
        settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": address}
        yield posted


def test_a_job_that_is_done_is_told_once_in_every_way(job, ada, hook):
    work(job.pk)
    sweep()
    work(job.pk)
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["ada@example.com"], f"Job {job.pk} is finished: {job}")
    assert f"Job {job.pk}, {job}, has finished: 20 succeeded, 0 failed, $" in sent.body
    [(_headers, body)] = hook
    told = json.loads(body)
    assert (told["type"], told["data"]["job"], told["data"]["counts"]["succeeded"]) == ("job.finished", job.pk, 20)
    assert told["data"]["text"] == sent.body
    banner = _page(ada)
    assert f'href="/admin/aiops/job/{job.pk}/change/"' in banner and "I have seen it" in banner


def test_what_is_posted_is_signed_as_standard_webhooks_has_it(job, hook):
    work(job.pk)
    [(headers, body)] = hook
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(KEY[6:]), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert KEY not in str(headers) and KEY.encode() not in body


def test_a_job_that_is_done_at_once_is_posted_and_nobody_is_written_to(job, ada, hook):
    Job.objects.update(started_at=timezone.now())
    work(job.pk)
    assert len(hook) == 1
    assert mail.outbox == []
    assert "I have seen it" not in _page(ada)


def test_a_job_that_pauses_is_told_with_its_reason_however_soon(job, hook):
    Job.objects.update(started_at=timezone.now())
    stop_all(None, "A drill")
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    [sent] = mail.outbox
    assert sent.subject == f"Job {job.pk} is paused: {job}"
    assert job.paused_because in sent.body
    assert json.loads(hook[0][1])["type"] == "job.paused"


def test_a_job_that_waits_for_money_again_and_again_is_told_once_an_hour(job, hook):
    for _ in range(3):
        job.pause("The budget has no room.", waits_for=5)
        job.resume()
        sweep()
    assert (len(mail.outbox), len(hook)) == (1, 1)
    job.pause("The key is wrong.")
    sweep()
    assert (len(mail.outbox), len(hook)) == (2, 2), "another reason is news"
    job.resume()
    Notice.objects.update(made_at=timezone.now() - timedelta(hours=2))
    job.pause("The budget has no room.", waits_for=5)
    sweep()
    assert len(mail.outbox) == 3


def test_what_was_told_long_ago_is_forgotten_and_what_nobody_has_seen_is_not(job, ada):
    work(job.pk)
    Notice.objects.filter(way=Notice.Way.MAIL).update(told_at=timezone.now() - timedelta(days=8))
    sweep()
    assert list(Notice.objects.values_list("way", flat=True)) == ["admin"]


def test_an_end_that_is_rolled_back_is_told_to_nobody(job, hook):
    class Abort(Exception):
        pass

    with suppress(Abort), transaction.atomic():
        job.pause("nothing is left to eat")
        raise Abort
    sweep()
    assert (mail.outbox, hook, Notice.objects.count()) == ([], [], 0)


def test_each_end_is_told(job, provider):
    provider.when(lambda _: True, Status(400))
    work(job.pk)
    provider.reset()
    retry_failed(job)
    work(job.pk)
    assert [("20 failed" in one.body, "20 succeeded" in one.body) for one in mail.outbox] == [
        (True, False),
        (False, True),
    ]


def test_a_webhook_that_fails_is_tried_again_and_the_mail_is_not(job, settings, monkeypatch, caplog):
    monkeypatch.setenv("JOB_WEBHOOK_KEY", KEY)
    with webhook(500, 500) as (address, posted):
        settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": address}
        work(job.pk)
        assert "could not be told webhook" in caplog.text
        now = timezone.now()
        assert tell_ends(now) == 0, "not at once"
        assert len(posted) == 1
        for wait in WAITS[:2]:
            now += wait + timedelta(seconds=1)
            tell_ends(now)
        assert len(posted) == 3
        assert tell_ends(now + timedelta(days=1)) == 0, "it has arrived"
    assert len({headers["webhook-id"] for headers, _ in posted}) == 1
    assert len(mail.outbox) == 1


def test_each_try_says_when_it_was_made(job, settings, monkeypatch):
    monkeypatch.setenv("JOB_WEBHOOK_KEY", KEY)
    with webhook() as (address, posted):
        settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": address}
        long_ago = timezone.now() - timedelta(hours=1)
        job.notices.create(way="webhook", what="paused", made_at=long_ago, due_at=long_ago)
        tell_ends(timezone.now())
    [(headers, body)] = posted
    assert time.time() - int(headers["webhook-timestamp"]) < 60, "else whoever checks it takes it for a replay"
    assert json.loads(body)["timestamp"] == long_ago.isoformat()


def test_the_secret_in_an_address_is_not_logged(job, settings, monkeypatch, caplog):
    monkeypatch.setenv("JOB_WEBHOOK_KEY", KEY)
    with webhook(404) as (address, _posted):
        settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": f"{address}/s3cret"}
        work(job.pk)
    settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": f"{address}/s3cret"}
    tell_ends(timezone.now() + timedelta(days=1))
    assert "status 404" in caplog.text and "ConnectError" in caplog.text
    assert "s3cret" not in caplog.text


def test_what_could_not_be_told_is_forgotten_in_the_end(job, ada):
    long_ago = timezone.now() - timedelta(days=8)
    for way, made in (("webhook", long_ago), ("mail", timezone.now())):
        job.notices.create(way=way, what="paused", made_at=made, due_at=made, tries=len(WAITS))
    sweep()
    assert [notice.way for notice in job.notices.given_up()] == ["mail"]


def test_it_is_given_up_after_a_few_tries_and_health_says_so(job, settings, monkeypatch):
    from aiops.health.examine import examine

    monkeypatch.setenv("JOB_WEBHOOK_KEY", KEY)
    with webhook(*[500] * 99) as (address, posted):
        settings.AIOPS = settings.AIOPS | {"JOB_WEBHOOK": address}
        work(job.pk)
        for day in range(1, 20):
            tell_ends(timezone.now() + timedelta(days=day))
        assert len(posted) == len(WAITS)
    [sign] = [sign for sign in examine(timezone.now()).signs if sign.what == "notices"]
    assert (sign.level, sign.facts["given_up"]) == ("warn", 1)


def test_without_a_key_nothing_is_posted_and_a_check_says_so(job, hook, monkeypatch):
    monkeypatch.delenv("JOB_WEBHOOK_KEY")
    [found] = [one for one in run_checks(tags=["aiops"]) if one.id == "aiops.W017"]
    assert found.msg == "AIOPS['JOB_WEBHOOK'] has no key: nothing is posted without a signature."
    work(job.pk)
    assert hook == []
    assert len(mail.outbox) == 1


def test_whoever_cannot_be_written_to_or_does_not_want_it_is_told_in_the_admin(job, ada, settings):
    settings.AIOPS = settings.AIOPS | {"JOB_MAIL": False}
    work(job.pk)
    assert mail.outbox == []
    assert "I have seen it" in _page(ada)
    settings.AIOPS = settings.AIOPS | {"JOB_MAIL": True}
    ada.email = ""
    ada.save()
    Notice.objects.announce(job, Notice.What.FINISHED, now=timezone.now())
    assert tell_ends(timezone.now()) == 1, "there is nothing to be tried again"
    assert mail.outbox == []


def test_a_notice_is_put_away_by_its_own_person_and_only_when_it_was_seen(job, ada, django_user_model):
    work(job.pk)
    first = Notice.objects.unseen(ada.pk).get()
    bob = _signed_in(django_user_model.objects.create_superuser("bob", "", "x"))
    assert "I have seen it" not in bob.get("/admin/aiops/").content.decode()
    bob.post("/admin/aiops/job/seen/", {"newest": first.pk})
    assert Notice.objects.unseen(ada.pk).count() == 1
    Notice.objects.announce(job, Notice.What.PAUSED, now=timezone.now(), because="<b>of money</b>")
    client = _signed_in(ada)
    client.post("/admin/aiops/job/seen/", {"newest": first.pk})
    assert Notice.objects.unseen(ada.pk).count() == 1
    page = client.get("/admin/aiops/job/").content.decode()
    assert "&lt;b&gt;of money&lt;/b&gt;" in page
    client.post("/admin/aiops/job/seen/", {"newest": "no number"})
    assert Notice.objects.unseen(ada.pk).count() == 1


def _signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def _page(user):
    return _signed_in(user).get("/admin/aiops/").content.decode()

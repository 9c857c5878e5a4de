"""Every address of ours × method × person: who may see what, and that looking changes nothing."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aiops.cache.models import CachedAnswer
from aiops.catalogue.models import ModelCard
from aiops.files.models import UploadedFile
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.models.priority import WORDS
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.models import Budget
from aiops.ledger.own_prices import OwnPrice
from aiops.stops.models import Stop
from tests.screens.rows import make_batch, make_cached_answer, make_call, make_file, make_job

VIEWED = ("job", "item", "call", "budget", "cachedanswer", "modelcard", "uploadedfile", "jobschedule")
RUNNER = tuple(f"aiops.view_{model}" for model in VIEWED)
VIEWER = (*RUNNER, "aiops.view_stop")
PEOPLE = {
    "anonymous": None,
    "customer": {"staff": False},
    "staff": {},
    "viewer": VIEWER,
    "runner": (*RUNNER, "aiops.run_job"),
    "guard": ("aiops.stop_calls",),
    "job only": ("aiops.view_job",),
    "boss": {"superuser": True},
}

READ = {"anonymous": 302, "customer": 302, "staff": 403, "viewer": 200, "runner": 200, "boss": 200}
NEVER = {"anonymous": 302, "customer": 302, "staff": 403, "viewer": 403, "runner": 403, "boss": 403}
NOT_THIS_WAY = {"anonymous": 302, "customer": 302, "staff": 405, "viewer": 405, "runner": 405, "boss": 405}
EFFECT = {"anonymous": 302, "customer": 302, "staff": 403, "viewer": 403, "runner": 302, "boss": 302}
STOPS = {"anonymous": 302, "customer": 302, "staff": 403, "viewer": 200, "runner": 403, "guard": 200, "boss": 200}
RUN = {"anonymous": 302, "customer": 302, "staff": 403, "viewer": 403, "runner": 200, "boss": 200}

BATCHES = READ | {"job only": 200}

LOGS = ("cachedanswer", "call", "item", "job", "modelcard", "uploadedfile")

DOORS = [
    *((f"aiops_{model}_changelist", "get", READ) for model in LOGS),
    *((f"aiops_{model}_change", "get", READ) for model in LOGS),
    *((f"aiops_{model}_change", "post", NOT_THIS_WAY) for model in LOGS),
    *(("aiops_cachedanswer_add", method, NEVER) for method in ("get", "post")),
    # Without the confirmation nothing is purged by it.
    *(("aiops_cachedanswer_delete", method, NEVER | {"boss": 200}) for method in ("get", "post")),
    *(
        (f"aiops_{model}_{page}", method, NEVER)
        for model in ("call", "item", "job", "modelcard", "uploadedfile")
        for page in ("add", "delete")
        for method in ("get", "post")
    ),
    ("aiops_job_progress", "get", READ | {"job only": 200}),
    ("aiops_job_progress", "post", NOT_THIS_WAY),
    *((f"aiops_job_results_{kind}", "get", READ | {"job only": 403}) for kind in ("csv", "xlsx", "json")),
    *((f"aiops_job_results_{kind}", "post", NOT_THIS_WAY) for kind in ("csv", "xlsx", "json")),
    *((f"aiops_job_{name}", "post", EFFECT | {"job only": 403}) for name in ("stop", "resume", "retry")),
    *(
        (f"aiops_job_{name}", method, NOT_THIS_WAY)
        for name in ("stop", "resume", "retry")
        for method in ("get", "head", "put", "delete")
    ),
    ("aiops_job_stop_now", "get", RUN | {"job only": 403}),
    ("aiops_job_stop_now", "post", EFFECT | {"job only": 403}),
    *((f"aiops_job_priority_{word}", "post", EFFECT | {"job only": 403}) for word in WORDS),
    *((f"aiops_job_priority_{word}", method, NOT_THIS_WAY) for word in WORDS for method in ("get", "head", "put")),
    *(("aiops_job_stop_now", method, NOT_THIS_WAY) for method in ("put", "delete")),
    # What one thinks of a model is one's own; what holds for everybody is not.
    *((f"aiops_modelcard_{name}", "post", EFFECT | {"viewer": 302}) for name in ("favourite", "opine")),
    *((f"aiops_modelcard_{name}", "post", EFFECT | {"runner": 403}) for name in ("sync", "write")),
    *((f"aiops_modelcard_{name}", "get", NOT_THIS_WAY) for name in ("favourite", "opine", "sync", "write")),
    *((f"aiops_spend_{page}", "get", READ | {"job only": 403}) for page in ("changelist", "csv")),
    *((f"aiops_spend_{page}", "post", NOT_THIS_WAY) for page in ("changelist", "csv")),
    *((f"aiops_batch_{page}", "get", BATCHES) for page in ("changelist", "change")),
    ("aiops_batch_change", "post", NOT_THIS_WAY),
    *((f"aiops_batch_{page}", method, NEVER) for page in ("add", "delete") for method in ("get", "post")),
    *((f"aiops_batch_{name}", "post", EFFECT | {"job only": 403}) for name in ("look", "cancel")),
    *((f"aiops_batch_{name}", method, NOT_THIS_WAY) for name in ("look", "cancel") for method in ("get", "put")),
    ("aiops_heartbeat_changelist", "get", READ | {"job only": 200}),
    ("aiops_heartbeat_changelist", "post", NOT_THIS_WAY),
    ("aiops_job_seen", "post", EFFECT | {"viewer": 302, "job only": 302}),
    *(("aiops_job_seen", method, NOT_THIS_WAY) for method in ("get", "head", "put", "delete")),
    ("aiops_job_run_file", "get", RUN | {"job only": 403}),
    # Of a file that somebody else brought.
    *(("aiops_job_again", method, RUN | {"runner": 403, "job only": 403}) for method in ("get", "post")),
    ("aiops_job_changed", "get", RUN | {"runner": 403, "job only": 403}),
    ("aiops_job_changed", "post", NOT_THIS_WAY),
    ("aiops_job_run_file", "post", RUN | {"job only": 403}),
    *((f"aiops_jobschedule_{page}", "get", READ | {"job only": 403}) for page in ("changelist", "change")),
    *(("aiops_jobschedule_add", method, RUN | {"job only": 403}) for method in ("get", "post")),
    # Somebody else's; and what is posted here is empty, or not confirmed.
    ("aiops_jobschedule_change", "post", NEVER | {"boss": 200}),
    *(("aiops_jobschedule_delete", method, NEVER | {"boss": 200}) for method in ("get", "post")),
    ("aiops_stop_changelist", "get", STOPS),
    ("aiops_stop_change", "get", STOPS),
    ("aiops_stop_change", "post", NOT_THIS_WAY),
    *((f"aiops_stop_{page}", method, NEVER) for page in ("add", "delete") for method in ("get", "post")),
    *(("aiops_stop_stop", method, STOPS | {"viewer": 403}) for method in ("get", "post")),
    ("aiops_stop_go_on", "post", STOPS | {"viewer": 403, "guard": 302, "boss": 302}),
    *(("aiops_stop_go_on", method, NOT_THIS_WAY) for method in ("get", "head", "put", "delete")),
]


@pytest.fixture
def rows(version):
    job = make_job(version, succeeded=1, failed=1, pending=1)
    stop = Stop.objects.create(because="a drill", since=timezone.now(), until=timezone.now())
    return {
        "job": job,
        "batch": make_batch(job),
        "item": job.items.first(),
        "call": make_call(version),
        "cachedanswer": make_cached_answer(version),
        "stop": stop,
        "uploadedfile": make_file(),
        "jobschedule": JobSchedule.objects.create(name="Nightly", prompt=version.prompt, cron="0 2 * * *"),
        "modelcard": ModelCard.objects.create(connection="default", model="gpt-6-luna"),
    }


def address(name: str, rows) -> str:
    model, page = name.split("_")[1:3]
    plain = page in ("changelist", "add", "sync", "csv") or name.endswith(
        ("run_file", "stop_stop", "go_on", "job_seen")
    )
    return reverse(f"admin:{name}", args=() if plain else (rows[model].pk,))


def client_of(person: str, sign_in) -> Client:
    given = PEOPLE[person]
    if given is None:
        return Client()
    return sign_in(**given) if isinstance(given, dict) else sign_in(*given)


def state() -> list[object]:
    return [
        list(Job.objects.order_by("pk").values()),
        list(Item.objects.order_by("pk").values()),
        list(Budget.objects.order_by("pk").values()),
        list(CachedAnswer.objects.order_by("pk").values()),
        list(ModelCard.objects.order_by("pk").values()),
        list(UploadedFile.objects.order_by("pk").values()),
        list(Batch.objects.order_by("pk").values()),
        list(Stop.objects.order_by("pk").values()),
        list(JobSchedule.objects.order_by("pk").values()),
    ]


@pytest.mark.parametrize(("name", "method", "by"), DOORS, ids=[f"{method} {name}" for name, method, _ in DOORS])
def test_who_may_do_what(sign_in, rows, name, method, by):
    got = {}
    for person in by:
        before = state()
        answer = getattr(client_of(person, sign_in), method)(address(name, rows))
        list(answer)  # A file that nobody takes stays open.
        got[person] = answer.status_code
        if person in ("anonymous", "customer"):
            assert "/login/" in answer.headers["Location"]
        if not (by is not NEVER and method == "post" and person in ("runner", "boss")):
            assert state() == before, person
    assert got == by


@pytest.mark.parametrize(
    "name",
    [
        *(f"job_{name}" for name in ("stop", "stop_now", "resume", "retry")),
        *(f"modelcard_{name}" for name in ("favourite", "opine", "sync", "write")),
    ],
)
def test_a_button_is_worth_nothing_without_its_token(boss, rows, name):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    assert strict.post(address(f"aiops_{name}", rows)).status_code == 403


def test_every_address_of_ours_is_in_the_table():
    ours = set()
    for model, model_admin in admin.site._registry.items():
        if model.__module__.startswith("aiops.") and model not in (Budget, OwnPrice):
            ours |= {pattern.name for pattern in model_admin.urls if pattern.name}
    history = {f"aiops_{model}_history" for model in (*LOGS, "batch", "stop", "jobschedule")}
    assert ours - history == {name for name, _, _ in DOORS}


@pytest.mark.parametrize("model", [*LOGS, "budget", "heartbeat", "jobschedule", "ownprice", "spend", "stop"])
def test_pages_keep_to_the_strict_policy(boss, rows, model):
    """No inline script, no inline style, nothing from elsewhere: the policy would block it."""
    pages = [reverse(f"admin:aiops_{model}_changelist")]
    if model in rows:
        pages.append(reverse(f"admin:aiops_{model}_change", args=(rows[model].pk,)))
    elif model not in ("heartbeat", "spend"):
        pages.append(reverse(f"admin:aiops_{model}_add"))
    for page in pages:
        answer = boss.get(page)
        html = answer.content.decode()
        assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", html)
        assert not re.findall(r"<[^>]+\sstyle=", html) and "<style" not in html
        assert not re.findall(r"<[^>]+\son[a-z]+=", html)
        assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html)

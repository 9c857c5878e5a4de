"""Rows for the screens, made as workers would leave them behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from aiops.cache.answers import NewAnswer, keep
from aiops.cache.models import CachedAnswer
from aiops.calls.identity import new_call_id
from aiops.calls.models import Call
from aiops.files.models import UploadedFile
from aiops.gateway.completion import Completion
from aiops.jobs.counting import recount
from aiops.jobs.models import Batch, Item, Job
from prompts.models import Prompt

SECRET = "my card number is 4111"
"""In every message: whoever may not read bodies must not find it."""

CUT_OFF = "The answer was cut off at 1,024 tokens."


def make_version(name: str = "triage-ticket"):
    prompt, _ = Prompt.objects.get_or_create(name=name, defaults={"title": "Triage a ticket"})
    number = prompt.versions.count() + 1
    return prompt.add_version(
        messages=[
            {"role": "system", "content": f"You sort tickets, wording {number}."},
            {"role": "user", "content": "{{ text }}"},
        ]
    )


def make_job(version, *, status=Job.Status.RUNNING, pending=0, claimed=0, succeeded=0, failed=0, **fields: Any) -> Job:
    """A job with items in that order: succeeded, failed, claimed, pending; a call for each that has ended."""
    now = timezone.now()
    total = pending + claimed + succeeded + failed
    planned = {"planned_at": None if status == Job.Status.PLANNING else now - timedelta(minutes=1)}
    job = Job.objects.create(
        version=version,
        connection="default",
        model="gpt-6-luna",
        source={"kind": "model"},
        source_text=f"{total} rows of helpdesk.Ticket",
        status=status,
        item_count=total,
        created_at=now - timedelta(minutes=2),
        started_at=now - timedelta(minutes=1),
        ended_at=now if status in (Job.Status.FINISHED, Job.Status.STOPPED) else None,
        **{"tokens_in": 300 * succeeded, "tokens_out": 20 * succeeded, "cost": 50_000 * succeeded} | planned | fields,
    )
    states = ["succeeded"] * succeeded + ["failed"] * failed + ["claimed"] * claimed + ["pending"] * pending
    items = [
        Item(
            job=job,
            position=position,
            row_key=str(position) if job.row_type_id else "",
            variables={"text": f"Question {position}: where is my money?"},
            status=state,
            **ended(state, now),
        )
        for position, state in enumerate(states, start=1)
    ]
    items = Item.objects.bulk_create(items)
    calls = []
    for item in items:
        if item.status in Item.OPEN:
            continue
        call = build_call(version, job_id=job.pk, item_id=item.pk, status=item.status, user=job.user)
        item.call_id = call.pk
        calls.append(call)
    Call.objects.bulk_create(calls)
    for call in calls:
        Item.objects.filter(pk=call.item_id).update(call_id=call.pk)
    recount(job)
    return job


def make_batch(job: Job, **fields: Any) -> Batch:
    """One that the provider has, made an hour ago and looked at just now."""
    now = timezone.now()
    usual = {
        "connection": "default",
        "provider_id": f"batch_{uuid4().hex[:12]}",
        "status": Batch.Status.UNDER_WAY,
        "line_count": 1000,
        "told_completed": 400,
        "told_failed": 3,
        "created_at": now - timedelta(hours=1),
        "submitted_at": now - timedelta(hours=1),
        "looked_at": now,
        "expires_at": now + timedelta(hours=23),
        "look_at": now + timedelta(seconds=50),
    }
    return Batch.objects.create(job=job, **(usual | fields))


def ended(state: str, now: Any) -> dict[str, Any]:
    if state == "succeeded":
        return {"data": {"category": "refund", "priority": "high", "items": [1, 2]}, "ended_at": now}
    if state == "failed":
        return {"error_kind": "cut_off", "error_text": CUT_OFF, "ended_at": now}
    return {}


def build_call(version=None, *, status: str = "succeeded", **fields: Any) -> Call:
    """A call that is not saved yet."""
    over = status in ("succeeded", "failed")
    now = timezone.now()
    known = {
        "input_tokens": 1_200,
        "cached_tokens": 34,
        "cache_write_tokens": 0,
        "input_audio_tokens": 0,
        "input_image_tokens": 0,
        "output_tokens": 20,
        "reasoning_tokens": 5,
        "output_audio_tokens": 0,
        "cost": 412_000,
        "price": {
            "source": "genai-prices 0.2.3",
            "model": "gpt-6-luna",
            "formula": 1,
            "nano_dollars_per_token": {"input_tokens": [[0, "200"], [128_000, "400"]], "output_tokens": [[0, "800"]]},
        },
        "first_byte_ms": 350,
        "total_ms": 1_240,
        "model_answered": "gpt-6-luna-2026-09-01",
        "ended_at": now,
        "finish_reason": "stop",
    }
    defaults = {
        "id": new_call_id(),
        "status": status,
        "prompt_version": version,
        "connection": "default",
        "model_asked": "gpt-6-luna",
        "messages": [{"role": "user", "content": f"<b>Hello</b>, {SECRET}."}],
        "parameters": {"temperature": 0},
        "started_at": now,
    }
    if status == "succeeded":
        defaults |= {"output": '{"category": "refund"}', "data": {"category": "refund"}}
    if status == "failed":
        defaults |= {
            "error_kind": "cut_off",
            "error_text": "The answer was cut off at 1,024 tokens.",
            "output": '{"cat',
        }
    return Call(**(defaults | (known if over else {}) | fields))


def make_call(version=None, **fields: Any) -> Call:
    call = build_call(version, **fields)
    call.save(force_insert=True)
    return call


def make_cached_answer(version=None, number: int = 1, text: str = SECRET, **fields: Any) -> CachedAnswer:
    """The last of so many answers, kept just now for three hours."""
    given = {
        "completion": Completion(text=f"<b>{text}</b>", model="gpt-6-luna-2026-09-01", finish_reason="stop"),
        "connection": "default",
        "model": "gpt-6-luna",
        "cost": 412_000,
        "prompt_version_id": version and version.pk,
    }
    news = [NewAnswer(key=uuid4().hex * 2, call_id=uuid4(), **(given | fields)) for _ in range(number)]
    keep(news, ttl=3 * 3600, now=timezone.now())
    return CachedAnswer.objects.get(key=news[-1].key)


def make_file(**fields: Any) -> UploadedFile:
    """A file that is at the provider."""
    defaults = {
        "connection": "default",
        "provider_id": "file-000000000000000000000001",
        "name": "contract of Ada.pdf",
        "purpose": "user_data",
        "size": 1_258_291,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "content_type": "application/pdf",
        "state": "there",
        "created": timezone.now(),
    }
    return UploadedFile.objects.create(**(defaults | fields))


def row_of(row: Any) -> dict[str, Any]:
    """The fields of a call that say which row it is about."""
    return {"row_type": ContentType.objects.get_for_model(row), "row_key": str(row.pk)}

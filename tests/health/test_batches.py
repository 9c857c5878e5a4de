"""Batches of which nothing comes are named, with what is to be done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.health.batch_signs import of_batches
from aiops.health.signs import Level
from aiops.jobs.models import Batch, Job
from tests.screens.rows import make_batch, make_job, make_version


@pytest.fixture
def job(db):
    return make_job(make_version(), claimed=1, transport=Job.Transport.BATCH)


def signs():
    return {sign.what: sign for sign in of_batches(timezone.now())}


def ago(**fields):
    return timezone.now() - timedelta(**fields)


def test_without_batches_nothing_is_said(db):
    assert signs() == {}


def test_one_that_is_looked_at_is_well(job):
    make_batch(job)
    assert {what: sign.level for what, sign in signs().items()} == {"batches": Level.OK}


def test_one_that_nobody_looks_at_is_wrong(job):
    batch = make_batch(job, look_at=ago(minutes=11))
    found = signs()["batches_unseen"]
    assert (found.level, found.facts) == (Level.BAD, {"batches": [batch.pk], "count": 1})
    assert str(batch.pk) in found.said and "Look now" in found.remedy


@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({"expires_at": ago(minutes=30)}, False),
        ({"expires_at": ago(minutes=61)}, True),
        ({"expires_at": None, "submitted_at": ago(hours=24)}, False),
        ({"expires_at": None, "submitted_at": ago(hours=26)}, True),
        ({"status": Batch.Status.READING, "expires_at": ago(days=2)}, False),
    ],
)
def test_one_whose_provider_is_late_is_to_be_known_of(job, fields, late):
    make_batch(job, **fields)
    assert ("batches_late" in signs()) == late


@pytest.mark.parametrize("status", [Batch.Status.PREPARING, Batch.Status.SUBMITTING])
def test_one_that_was_begun_and_never_made_is_to_be_known_of(job, status):
    make_batch(job, status=status, created_at=ago(hours=2), submitted_at=None)
    assert signs()["batches_unmade"].level == Level.WARN


def test_one_that_is_over_is_nobodys_trouble(job):
    make_batch(job, status=Batch.Status.LOST, look_at=ago(days=3), expires_at=ago(days=4))
    assert signs() == {}


def test_all_of_them_are_one_question(job, django_assert_num_queries):
    for _ in range(20):
        make_batch(job, look_at=ago(hours=1), expires_at=ago(hours=2))
    with django_assert_num_queries(1):
        found = signs()
    assert found["batches_unseen"].said.count("…") == 1

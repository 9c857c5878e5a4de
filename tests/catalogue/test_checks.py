"""A connection whose model goes is said in time."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.checks import run_checks

from aiops.checks.model_ends import ending
from aiops.gateway.connections import connection_from

HINT = "Set MODEL of AIOPS['CONNECTIONS']['shop'], or OPENAI_MODEL in the environment, to {}."
OTHER = "another one; `manage.py sync_models` and the catalogue say what there is"


@pytest.mark.parametrize(
    ("model", "today", "said", "instead"),
    [
        ("gpt-4o", date(2026, 11, 15), "ends on 2027-01-14", "gpt-6-luna"),
        ("gpt-4o", date(2027, 1, 14), "ended on 2027-01-14", "gpt-6-luna"),
        ("tts-1", date(2026, 12, 1), "ends on 2027-01-06", OTHER),
        ("gpt-4", date(2026, 11, 15), "has ended", OTHER),
    ],
)
def test_what_is_said_of_a_model_that_goes(model, today, said, instead):
    (warning,) = ending([connection_from("shop", {"MODEL": model, "API_KEY": "k"})], today=today)
    assert warning.id == "aiops.W012"
    assert warning.msg == f"The model {model} of the connection 'shop' {said}."
    assert warning.hint == HINT.format(instead)


@pytest.mark.parametrize(
    ("options", "today"),
    [
        ({"MODEL": "gpt-4o"}, date(2026, 11, 14)),
        ({"MODEL": "gpt-6-luna"}, date(2030, 1, 1)),
        ({"MODEL": "gpt-4o", "BASE_URL": "https://models.example.com/v1", "PROVIDER": "other"}, date(2030, 1, 1)),
    ],
)
def test_nothing_is_said_of_others(options, today):
    assert ending([connection_from("shop", {"API_KEY": "k", **options})], today=today) == []


def test_check_says_it(settings):
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {"default": {"MODEL": "gpt-4", "API_KEY": "k"}}}
    assert "aiops.W012" in {message.id for message in run_checks(tags=["aiops"])}

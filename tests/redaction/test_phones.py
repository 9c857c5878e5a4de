"""Numbers of telephones, by the rules of their countries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiops.redaction import redact


def numbers(text, *countries):
    from aiops.redaction.detectors import Phones

    return [text[one.start : one.end] for one in Phones(*countries)(text)]


@pytest.mark.phones
@pytest.mark.parametrize(
    ("text", "countries", "expected"),
    [
        ("call +49 30 901820 or +1 (650) 253-0000.", (), ["+49 30 901820", "+1 (650) 253-0000"]),
        ("call 030 901820", (), []),
        ("call 030 901820", ("DE",), ["030 901820"]),
        ("call 030 901820", ("US", "DE"), ["030 901820"]),
        ("+49 30 901820", ("US",), ["+49 30 901820"]),
        ("order 4711-0815 of 24.11.2026, 10:30", ("DE",), []),
    ],
)
def test_numbers_of_the_world_and_those_within_a_country(text, countries, expected):
    assert numbers(text, *countries) == expected


@pytest.mark.phones
def test_the_last_number_of_a_long_text_counts_like_the_first():
    # The library by itself would give up after 65,535 that are none.
    assert numbers("12345678 x " * 70_000 + "+49 30 901820") == ["+49 30 901820"]


@pytest.mark.phones
def test_the_ready_made_detector_is_found_by_its_path():
    from aiops.redaction import load_detector

    phones = load_detector("aiops.redaction.detectors.phones")
    redacted = redact([{"role": "user", "content": "Call +49 30 901820"}], [phones])
    assert (redacted.messages[0]["content"], redacted.counts) == ("Call [PHONE_1]", {"phone": 1})


def test_without_the_library_its_path_says_what_to_install_and_the_others_work():
    script = """
import sys
sys.modules["phonenumbers"] = None
from django.conf import settings
settings.configure(USE_I18N=False)
from aiops.redaction import InvalidDetector, load_detector
load_detector("aiops.redaction.detectors.emails")
try:
    load_detector("aiops.redaction.detectors.phones")
except InvalidDetector as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == (
        "The detector “aiops.redaction.detectors.phones” cannot be used: "
        'it needs the extra "phones": pip install "django-aiops[phones]".\n'
    ), done.stderr

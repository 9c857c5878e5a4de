"""Settings say what looks at what goes over a connection."""

from __future__ import annotations

import pytest

from aiops.gateway.connections import get_connection
from aiops.redaction import InvalidDetector, detectors_of
from aiops.redaction.detectors import emails, ibans


@pytest.fixture
def connected(settings):
    def connected(site=None, **options):
        given = {"API_KEY": None, "BASE_URL": "https://models.example.com/v1", **options}
        settings.AIOPS = {"CONNECTIONS": {"default": given}, **({} if site is None else {"REDACT": site})}
        return get_connection()

    return connected


EMAILS, IBANS = "aiops.redaction.detectors.emails", "aiops.redaction.detectors.ibans"


@pytest.mark.parametrize(
    ("site", "options", "expected"),
    [
        (None, {}, ()),
        ([EMAILS, IBANS], {}, (emails, ibans)),
        ((IBANS, EMAILS), {}, (ibans, emails)),
        ([EMAILS], {"REDACT": [IBANS]}, (ibans,)),
        ([EMAILS], {"REDACT": []}, ()),
        ([EMAILS], {"REDACT": None}, (emails,)),
        (None, {"REDACT": (IBANS,)}, (ibans,)),
    ],
)
def test_the_connection_says_it_or_else_the_site(connected, site, options, expected):
    assert detectors_of(connected(site, **options)) == expected


def test_a_connection_is_still_a_value(connected):
    assert hash(connected(REDACT=[EMAILS])) == hash(connected(REDACT=(EMAILS,)))


A_TEXT = "no function"


class AClass:
    def __init__(self, text):
        pass


def breaks_on_import(tmp_path, monkeypatch):
    (tmp_path / "a_module_that_breaks.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("shop_of_nobody.privacy.numbers", "No module named 'shop_of_nobody'"),
        (
            "aiops.redaction.detectors.faces",
            'Module "aiops.redaction.detectors" does not define a "faces" attribute/class',
        ),
        ("emails", "emails doesn't look like a module path"),
        ("tests.redaction.test_configured.A_TEXT", "it is of type str and no function of a text"),
        ("tests.redaction.test_configured.AClass", "it is of type type and no function of a text"),
        ("a_module_that_breaks.x", "division by zero"),
    ],
)
def test_a_path_that_leads_nowhere_refuses_the_call(connected, path, complaint, tmp_path, monkeypatch):
    breaks_on_import(tmp_path, monkeypatch)
    with pytest.raises(InvalidDetector) as refusal:
        detectors_of(connected([path]))
    assert str(refusal.value) == f"The detector “{path}” cannot be used: {complaint}."

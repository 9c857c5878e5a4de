"""What people write leads to one version, or to a sentence that names the others."""

from __future__ import annotations

import pytest

from prompts.errors import MissingLabel, UnknownPrompt, UnknownVersion
from prompts.lookup import find_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(triage):
    first = triage.add_version(messages=[{"role": "user", "content": "one"}])
    second = triage.add_version(messages=[{"role": "user", "content": "two"}])
    first.publish()
    second.set_label("staging")
    return first, second


@pytest.mark.parametrize(
    ("ref", "number"),
    [
        ("triage-ticket", 1),
        ("triage-ticket@production", 1),
        ("triage-ticket@staging", 2),
        ("triage-ticket@2", 2),
        (" triage-ticket@1 ", 1),
        ("triage-ticket@", 1),
    ],
)
def test_a_name_a_label_or_a_number_finds_the_version(versions, ref, number, django_assert_num_queries):
    with django_assert_num_queries(1):
        version = find_version(ref)
        assert (str(version), version.schema) == (f"triage-ticket v{number}", None)


@pytest.mark.parametrize(
    ("ref", "error", "sentence"),
    [
        (
            "triage-tickets",
            UnknownPrompt,
            'There is no prompt "triage-tickets". Did you mean "triage-ticket"? There is: triage-ticket.',
        ),
        ("", UnknownPrompt, 'There is no prompt "". There is: triage-ticket.'),
        (
            "triage-ticket@prod",
            MissingLabel,
            'The prompt "triage-ticket" has no label "prod": point it to a version first. '
            "There is: production, staging.",
        ),
        ("triage-ticket@3", UnknownVersion, 'The prompt "triage-ticket" has no version 3. Its latest is 2.'),
        (
            "triage-ticket@99999999999999999999",
            UnknownVersion,
            'The prompt "triage-ticket" has no version 99999999999999999999. Its latest is 2.',
        ),
    ],
)
def test_what_is_not_there_is_named_with_what_is(versions, ref, error, sentence):
    with pytest.raises(error) as caught:
        find_version(ref)
    assert str(caught.value) == sentence


def test_a_missing_production_is_an_error_never_a_fallback(triage, version):
    with pytest.raises(MissingLabel, match="There is: none"):
        find_version("triage-ticket")


def test_a_prompt_without_a_version_says_so(triage):
    with pytest.raises(UnknownVersion, match="has no version yet: write one"):
        find_version("triage-ticket")

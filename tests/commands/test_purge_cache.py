"""`purge_cache`, to the letter."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.cache.answers import keep
from aiops.cache.models import CachedAnswer
from tests.cache.conftest import DAY, new_answer


def kept(*texts, days=0, **fields):
    news = [new_answer(text, **fields) for text in texts]
    keep(news, ttl=100 * DAY, now=timezone.now() - timedelta(days=days, minutes=1))
    # What the answers of a test take is a matter of the compressor; here they take a kilobyte each.
    CachedAnswer.objects.update(size=1024)


@pytest.fixture
def answers(triage, greeting):
    """Of two versions of a prompt, of another prompt, and of no prompt at all."""
    second = triage.prompt.add_version(messages=[{"role": "user", "content": "{{ text }}"}])
    second.set_label("staging")
    kept("1", "2", prompt_version_id=triage.pk)
    kept("3", prompt_version_id=second.pk, connection="azure", days=8)
    kept("4", prompt_version_id=greeting.pk)
    kept("5", days=8)


def left():
    return CachedAnswer.objects.count()


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 5),
        (["--prompt", "triage-ticket"], 3),
        (["--prompt", "triage-ticket@1"], 2),
        (["--prompt", "triage-ticket@staging"], 1),
        (["--prompt", "greet"], 1),
        (["--connection", "default"], 4),
        (["--connection", "azure"], 1),
        (["--older-than", "7d"], 2),
        (["--older-than", "2w"], 0),
        (["--older-than", "30m"], 2),
        (["--prompt", "triage-ticket", "--connection", "azure", "--older-than", "168h"], 1),
        (["--prompt", "greet", "--older-than", "1w"], 0),
    ],
)
def test_what_is_purged(run, answers, options, count):
    words = "1 answer was" if count == 1 else f"{count} answers were"
    size = f"{count}.0 KB" if count else "0 bytes"
    ran = run("purge_cache", *options)
    assert (ran.code, ran.stdout, ran.stderr) == (0, f"{words} purged, {size}.\n", "")
    assert left() == 5 - count


def test_a_dry_run_says_the_same_and_does_nothing(run, answers):
    ran = run("purge_cache", "--prompt", "triage-ticket", "--dry-run")
    assert ran.stdout == "3 answers would be purged, 3.0 KB.\nNothing was purged (dry run).\n"
    assert left() == 5


@pytest.mark.parametrize("dry_run", [True, False])
def test_as_json(run, answers, dry_run):
    ran = run("purge_cache", "--older-than", "7d", "--json", *["--dry-run"] * dry_run)
    assert json.loads(ran.stdout) == {"answers": 2, "bytes": 2048, "dry_run": dry_run}
    assert left() == (5 if dry_run else 3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--prompt", "triage"],
            'There is no prompt "triage". Did you mean "triage-ticket"? There is: greet, triage-ticket.',
        ),
        (["--prompt", "triage-ticket@9"], 'The prompt "triage-ticket" has no version 9. Its latest is 2.'),
        (
            ["--connection", "azur"],
            "There is no connection 'azur': use one of default, local, or add it to AIOPS['CONNECTIONS'].",
        ),
        (
            ["--older-than", "7"],
            "argument --older-than: 7 is no age: write a number and a unit, as in 30m, 12h, 7d or 2w",
        ),
        (["--older-than", "-7d"], "argument --older-than: expected one argument"),
        (["--older-than", "9999999w"], "argument --older-than: 9999999w is longer than anything is kept"),
        (["--older-than", "9" * 18 + "d"], "argument --older-than: " + "9" * 18 + "d is longer than anything is kept"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(run, answers, options, sentence):
    ran = run("purge_cache", *options)
    assert ran.code == 2
    assert sentence in ran.stderr
    assert left() == 5


def test_an_empty_cache_is_no_fault(run, transactional_db):
    assert run("purge_cache").stdout == "0 answers were purged, 0 bytes.\n"


def test_help_shows_examples(run):
    ran = run("purge_cache", "--help")
    assert ran.code == 0
    assert "  manage.py purge_cache --prompt triage-ticket@7\n" in ran.stdout

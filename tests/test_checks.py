"""What `manage.py check` says, to the letter."""

import re
import sqlite3
from dataclasses import fields
from pathlib import Path

import django
import pytest
from django.conf import settings as site
from django.core.checks import run_checks

from aiops.options import Options
from aiops.redaction import InvalidDetector

DOCS = Path(__file__).parent.parent / "docs/reference/checks.md"
QUEUE = {
    "orm": "default",
    "timeout": 240,
    "retry": 600,
    "queue_limit": 1,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
}
TUNED = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}

OPTIONS = ", ".join(["CONNECTIONS", *(field.name.upper() for field in fields(Options))])


def said(**kwargs):
    # Django keeps checks in a set: their order means nothing.
    return sorted((m.id, m.msg, m.hint) for m in run_checks(tags=["aiops"], **kwargs) if m.id != "aiops.W001")


@pytest.fixture
def databases(monkeypatch):
    # Not through `settings`, which warns that open connections are not changed by this: none is used here.
    def databases(**default):
        monkeypatch.setattr(site, "DATABASES", {"default": default})

    return databases


@pytest.fixture
def connect(settings):
    def connect(default=None, **others):
        default = {"default": {"API_KEY": "a-key"}} if default is None else {"default": default}
        settings.AIOPS = {"CONNECTIONS": default | others}

    return connect


@pytest.mark.parametrize(("timeout", "numbers"), [(None, ["aiops.W019"]), (10, [])])
def test_mail_without_a_timeout(monkeypatch, timeout, numbers):
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    monkeypatch.setattr(site, "MAILERS", {"default": {"BACKEND": smtp, "OPTIONS": {"timeout": timeout}}}, raising=False)
    assert [number for number, _, _ in said()] == numbers


@pytest.mark.skipif(django.VERSION >= (6, 1), reason="Django has another setting for it")
@pytest.mark.parametrize(("timeout", "numbers"), [(None, ["aiops.W019"]), (10, [])])
def test_mail_without_a_timeout_in_the_older_settings(settings, timeout, numbers):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = timeout
    assert [number for number, _, _ in said()] == numbers


def test_the_site_of_this_repository_has_nothing_to_say():
    assert said() == []


def test_an_option_that_does_not_exist_is_named_with_the_nearest(settings):
    settings.AIOPS = settings.AIOPS | {"SLICE_SECOND": 3}
    assert said() == [
        (
            "aiops.E001",
            "The setting AIOPS has an option SLICE_SECOND that does not exist (did you mean SLICE_SECONDS?).",
            "Correct it in the settings; docs/reference/settings.md names all.",
        )
    ]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("IN_TRANSACTION", "maybe", "AIOPS['IN_TRANSACTION'] is 'maybe': it must be refuse or allow."),
        ("SLICE_SECONDS", 0, "AIOPS['SLICE_SECONDS'] is 0: it must be a whole number above zero."),
        ("SLICE_SECONDS", True, "AIOPS['SLICE_SECONDS'] is True: it must be a whole number above zero."),
        ("REDIS_URL", 3, "AIOPS['REDIS_URL'] is no address of a Redis: it must begin with redis://, or be None."),
        (
            "REDIS_URL",
            "cache.example.com:6379",
            "AIOPS['REDIS_URL'] is no address of a Redis: it must begin with redis://, or be None.",
        ),
        ("DOORBELL", 3, "AIOPS['DOORBELL'] is 3: it must be a text."),
        (
            "DOORBELL",
            "shop.bells.Loud",
            "AIOPS['DOORBELL'] is 'shop.bells.Loud', which is no class that can be made: No module named 'shop'.",
        ),
        (
            "DOORBELL",
            "os.path.sep",
            "AIOPS['DOORBELL'] is 'os.path.sep', which is no class that can be made: 'str' object is not callable.",
        ),
        (
            "DOORBELL",
            "builtins.dict",
            "AIOPS['DOORBELL'] is 'builtins.dict': it must be a class with a method ring(job_id, rung_at).",
        ),
        ("STOPPED", 3, "AIOPS['STOPPED'] is 3: it must be True, False, or a text that says why."),
        ("LOCAL_MODEL_DIR", 3, "AIOPS['LOCAL_MODEL_DIR'] is 3: it must be a path."),
        ("REDACT", "shop.privacy.numbers", "AIOPS['REDACT'] is 'shop.privacy.numbers': it must be a list of texts."),
        ("REDACT", [3], "AIOPS['REDACT'] is [3]: it must be a list of texts."),
        ("OLD_WAY", "shop.ask", "AIOPS['OLD_WAY'] is 'shop.ask': it must be a list of texts."),
        ("OLD_WAY", ["shop.ask", 3], "AIOPS['OLD_WAY'] is ['shop.ask', 3]: it must be a list of texts."),
        (
            "CONNECTIONS",
            ["default"],
            "AIOPS['CONNECTIONS'] is of type list: it must be a dictionary of connections by alias.",
        ),
        (
            3,
            1,
            f"The setting AIOPS has an option 3 that does not exist (there are {OPTIONS}).",
        ),
        (
            "QQQQ",
            1,
            f"The setting AIOPS has an option QQQQ that does not exist (there are {OPTIONS}).",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error(settings, option, value, message):
    settings.AIOPS = settings.AIOPS | {option: value}
    assert [(number, text) for number, text, _ in said()] == [("aiops.E001", message)]


@pytest.mark.parametrize("given", [None, "sk-a-key", ["CONNECTIONS"]])
def test_a_setting_that_is_no_dictionary_is_one_error_and_is_not_repeated(settings, given):
    settings.AIOPS = given
    kind = type(given).__name__
    assert said() == [
        (
            "aiops.E001",
            f"The setting AIOPS is of type {kind}: it must be a dictionary.",
            "Correct it in the settings; docs/reference/settings.md names all.",
        )
    ]


@pytest.mark.parametrize(
    ("alias", "options", "message"),
    [
        ("spare", ["sk-a-key"], "The connection 'spare' is of type list: it must be a dictionary of options."),
        ("spare", None, "The connection 'spare' is of type NoneType: it must be a dictionary of options."),
        (7, {}, "The connection '7' has an alias that is no text: write it in quotes."),
        (
            "spare",
            {"BASE_URL": "http://[::1/v1"},
            "The connection 'spare' has BASE_URL that is no address: it must begin with https://.",
        ),
        (
            "spare",
            {"BASE_URL": "https://models.example.com:99999/v1"},
            "The connection 'spare' has BASE_URL that is no address: it must begin with https://.",
        ),
    ],
)
def test_a_connection_that_makes_no_sense_is_named(settings, alias, options, message):
    settings.AIOPS = {"CONNECTIONS": {"default": {"API_KEY": "a-key"}, alias: options}}
    assert said() == [("aiops.E002", message, f"Correct AIOPS['CONNECTIONS'][{alias!r}] in the settings.")]


@pytest.mark.parametrize("option", [3, None])
def test_an_option_of_a_connection_that_is_no_text_is_named(connect, option):
    connect(spare={option: 1})
    [(number, message, _)] = said()
    assert number == "aiops.E002"
    assert message.startswith(f"The connection 'spare' has an option {option} that does not exist (there are ")


def test_a_misspelt_option_of_a_connection_is_named_with_the_nearest(connect):
    connect(spare={"MAX_INFLIGHT": 3})
    assert said() == [
        (
            "aiops.E002",
            "The connection 'spare' has an option MAX_INFLIGHT that does not exist (did you mean MAX_IN_FLIGHT?).",
            "Correct AIOPS['CONNECTIONS']['spare'] in the settings.",
        )
    ]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({}, "Set OPENAI_API_KEY in the environment, or point the connection at a server that needs none."),
        ({"AZURE_ENDPOINT": "https://shop.openai.azure.com"}, "Set AZURE_OPENAI_API_KEY in the environment."),
        (
            {"BASE_URL": "https://models.example.com/v1"},
            "Give AIOPS['CONNECTIONS']['default'] an API_KEY, or API_KEY=None where the server needs none.",
        ),
    ],
)
def test_no_key_for_the_default_connection_is_a_warning_and_an_error_of_a_deployment(connect, options, hint):
    connect(options)
    warning = ("aiops.W010", "The connection 'default' has no key: calls over it are refused.", hint)
    error = ("aiops.E003", "The connection 'default' has no key.", hint)
    assert said() == [warning]
    assert said(include_deployment_checks=True) == [error, warning]


def test_a_key_for_azure_without_its_address_names_the_variable_that_is_missing(settings, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a-key")
    settings.AIOPS = {}
    assert said() == [
        (
            "aiops.W010",
            "The connection 'default' has no key: calls over it are refused.",
            "Set AZURE_OPENAI_ENDPOINT in the environment: there is an AZURE_OPENAI_API_KEY, and no address for it.",
        )
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"BASE_URL": "http://127.0.0.1:8077/v1"},
        {"BASE_URL": "http://localhost:8077/v1"},
        {"BASE_URL": "http://[::1]:8077/v1"},
        {"BASE_URL": "https://models.example.com/v1", "API_KEY": None},
    ],
)
def test_a_server_that_needs_no_key_is_fine_without(connect, options):
    connect(options)
    assert said(include_deployment_checks=True) == []


def test_another_connection_without_a_key_is_not_in_the_way(connect):
    connect(spare={"BASE_URL": "https://models.example.com/v1"})
    assert said() == []


@pytest.mark.parametrize("connections", [[], {"default": []}, {"default": {"BASE_URL": "localhost"}}])
def test_a_default_connection_that_makes_no_sense_is_said_once(settings, connections):
    settings.AIOPS = {"CONNECTIONS": connections}
    assert len(said(include_deployment_checks=True)) == 1


def test_a_key_inside_an_address_is_an_error_and_is_not_repeated(connect):
    connect({"BASE_URL": "https://user:s3cr3t@models.example.com/v1", "API_KEY": None})
    assert said() == [
        (
            "aiops.E004",
            "The connection 'default' has a key inside BASE_URL: move it to API_KEY.",
            "Addresses are shown on pages and in logs; keys never are.",
        )
    ]


class Unready:
    def __call__(self, text):
        return ()

    def check(self):
        raise InvalidDetector("Unready", "it has no model")


unready = Unready()
REDACT_HINT = "Correct REDACT in AIOPS or in the connection; until then nothing is sent where it is named."


def test_a_detector_that_cannot_be_used_is_an_error_once_wherever_it_is_named(settings):
    paths = ["aiops.redaction.detectors.emails", "shop.privacy.numbers", "tests.test_checks.unready"]
    server = {"API_KEY": None, "BASE_URL": "https://models.example.com/v1"}
    spare = server | {"REDACT": ["shop.privacy.numbers", "tests.test_checks.REDACT_HINT"]}
    settings.AIOPS = {"CONNECTIONS": {"default": server, "spare": spare}, "REDACT": paths}
    sentence = "The detector “{}” cannot be used: {}.".format
    assert said() == sorted(
        ("aiops.E010", message, REDACT_HINT)
        for message in (
            sentence("shop.privacy.numbers", "No module named 'shop'"),
            sentence("tests.test_checks.REDACT_HINT", "it is of type str and no function of a text"),
            sentence("Unready", "it has no model"),
        )
    )


def test_plain_http_to_another_machine_is_a_warning(connect):
    connect({"BASE_URL": "http://models.example.com/v1", "API_KEY": "a-key"})
    assert said() == [
        (
            "aiops.W004",
            "The connection 'default' sends its key and your data unencrypted to models.example.com.",
            "Use an address that begins with https://.",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "number", "message", "hint"),
    [
        (
            {"retry": 480},
            "aiops.E005",
            "Q_CLUSTER['retry'] is 480: a task that is still at work would be given out again.",
            "Set it above 480, twice Q_CLUSTER['timeout'].",
        ),
        (
            {"timeout": 180},
            "aiops.E006",
            "Q_CLUSTER['timeout'] is 180: a worker would be killed in the middle of a call.",
            "Set it above 180: SLICE_SECONDS (60) and the longest DEADLINE of a connection (120).",
        ),
        (
            {"timeout": None},
            "aiops.E006",
            "Q_CLUSTER['timeout'] is None: a worker would be killed in the middle of a call.",
            "Set it above 180: SLICE_SECONDS (60) and the longest DEADLINE of a connection (120).",
        ),
        (
            {"queue_limit": 4},
            "aiops.W006",
            "Q_CLUSTER['queue_limit'] is 4, not 1: the lock starts when a message is fetched, not when work starts.",
            "Set Q_CLUSTER['queue_limit'] = 1.",
        ),
        (
            {"ack_failures": False},
            "aiops.W006",
            "Q_CLUSTER['ack_failures'] is False, not True: a task that failed would come back for ever.",
            "Set Q_CLUSTER['ack_failures'] = True.",
        ),
        (
            {"orm": None, "redis": "redis://127.0.0.1"},
            "aiops.W007",
            "Q_CLUSTER names no database for the queue: with another broker a task of a killed worker is gone.",
            "Set Q_CLUSTER['orm'] = 'default'.",
        ),
        (
            {"sync": True},
            "aiops.W008",
            "Q_CLUSTER['sync'] is on: jobs run inside the request that starts them.",
            "Take it out, and run manage.py work beside the site.",
        ),
    ],
)
def test_a_queue_that_breaks_the_rules_is_named(settings, changes, number, message, hint):
    settings.Q_CLUSTER = QUEUE | changes
    assert said() == [(number, message, hint)]


@pytest.mark.parametrize(
    ("changes", "number", "message", "hint"),
    [
        (
            {"timeout": "240"},
            "aiops.E006",
            "Q_CLUSTER['timeout'] is '240': it must be a number of seconds.",
            "Set Q_CLUSTER['timeout'] = 240.",
        ),
        (
            {"retry": None},
            "aiops.E005",
            "Q_CLUSTER['retry'] is None: it must be a number of seconds.",
            "Set Q_CLUSTER['retry'] = 600.",
        ),
    ],
)
def test_seconds_of_the_queue_that_are_no_number_are_named(settings, changes, number, message, hint):
    settings.Q_CLUSTER = QUEUE | changes
    assert said() == [(number, message, hint)]


@pytest.mark.parametrize("given", [None, "redis"])
def test_a_queue_that_is_no_dictionary_is_one_error(settings, given):
    settings.Q_CLUSTER = given
    assert said() == [
        (
            "aiops.E008",
            f"The setting Q_CLUSTER is of type {type(given).__name__}: it must be a dictionary.",
            "Correct it in the settings; docs/reference/settings.md has one to copy.",
        )
    ]


def test_a_queue_without_settings_breaks_the_lease_and_is_untuned(settings):
    settings.Q_CLUSTER = {}
    assert [number for number, _, _ in said()] == ["aiops.E006", *["aiops.W006"] * 4, "aiops.W007"]


def test_a_longer_deadline_needs_a_longer_timeout(settings, connect):
    settings.Q_CLUSTER = QUEUE
    connect(slow={"API_KEY": None, "BASE_URL": "https://slow.example.com/v1", "DEADLINE": 300})
    assert said() == [
        (
            "aiops.E006",
            "Q_CLUSTER['timeout'] is 240: a worker would be killed in the middle of a call.",
            "Set it above 360: SLICE_SECONDS (60) and the longest DEADLINE of a connection (300).",
        )
    ]


@pytest.mark.parametrize("name", ["import_export", "django_q", "prompts"])
def test_a_missing_app_is_an_error(name, monkeypatch):
    # Other apps of the site could not even be loaded without these, so that only the answer of the registry is changed.
    from django.apps import apps

    real = apps.is_installed
    monkeypatch.setattr(apps, "is_installed", lambda asked: asked != name and real(asked))
    [(number, message, hint)] = said()
    assert number == "aiops.E007"
    assert message.startswith(f"aiops needs the app '{name}': it ")
    assert hint == f"Add '{name}' to INSTALLED_APPS."


class LogElsewhere:
    """A router of a shop that keeps its logs apart."""

    def db_for_write(self, model, **hints):
        return "logs" if model._meta.label == "aiops.Call" else None


def test_a_log_in_another_database_than_the_ledger_is_an_error(settings):
    settings.DATABASE_ROUTERS = [LogElsewhere()]
    assert said() == [
        (
            "aiops.E009",
            "A database router sends aiops.Call elsewhere than to 'default': a call could leave without its record.",
            "Leave 'aiops', 'prompts', 'contenttypes' and the users in 'default'.",
        )
    ]


@pytest.mark.parametrize(
    ("version", "warned"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False)],
)
def test_a_sqlite_that_may_corrupt_its_log_is_named(monkeypatch, databases, version, warned):
    databases(ENGINE="django.db.backends.sqlite3", OPTIONS=TUNED)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    assert ("aiops.W001" in [m.id for m in run_checks(tags=["aiops"])]) == warned


def test_on_postgresql_the_library_of_sqlite_does_not_matter(databases):
    databases(ENGINE="django.db.backends.postgresql")
    assert "aiops.W001" not in [m.id for m in run_checks(tags=["aiops"])]


def test_an_untuned_sqlite_is_a_warning_with_the_whole_remedy(databases):
    databases(ENGINE="django.db.backends.sqlite3")
    assert said() == [
        (
            "aiops.W002",
            "The SQLite database 'default' has no WAL, IMMEDIATE transactions, timeout of 20 seconds: "
            "writers beside a worker will fail with 'database is locked'.",
            "Set OPTIONS = {'timeout': 20, 'transaction_mode': 'IMMEDIATE', "
            "'init_command': 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;'} on the database.",
        )
    ]


def test_a_transaction_around_every_request_is_a_warning(databases):
    databases(ENGINE="django.db.backends.sqlite3", OPTIONS=TUNED, ATOMIC_REQUESTS=True)
    assert said() == [
        (
            "aiops.W003",
            "ATOMIC_REQUESTS is on for the database 'default': calls made in a view will be refused.",
            "Switch it off, and put @transaction.atomic on the views that need it. "
            "The record of a call must be committed before the call leaves.",
        )
    ]


def test_imports_that_are_open_to_all_staff_are_a_warning(settings):
    settings.IMPORT_EXPORT_IMPORT_PERMISSION_CODE = None
    assert said() == [
        (
            "aiops.W005",
            "IMPORT_EXPORT_IMPORT_PERMISSION_CODE is not set: "
            "every member of staff who sees a list may import into it.",
            'Set IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change", or a permission of your own.',
        )
    ]


def database_checks():
    return [m for m in run_checks(tags=["database"], databases=["default"]) if m.id.startswith("aiops")]


@pytest.mark.django_db
def test_a_labelled_version_on_a_connection_that_is_gone_is_named(settings):
    from prompts.models import Prompt

    prompt = Prompt.objects.create(name="triage", title="Triage")
    messages = [{"role": "user", "content": "{{ text }}"}]
    old = prompt.add_version(messages=messages, connection="gone")
    assert database_checks() == []  # No label, so nobody asks it.
    old.set_label("production")
    [found] = database_checks()
    assert (found.id, found.msg, found.hint) == (
        "aiops.W009",
        "'triage v1', labelled production, wants the connection 'gone', which does not exist.",
        "Add it to AIOPS['CONNECTIONS'], or label a version that uses default, local.",
    )
    assert "aiops.W009" not in [m.id for m in run_checks()]
    settings.AIOPS = {"CONNECTIONS": {"gone": {"API_KEY": None}}}
    assert database_checks() == []


@pytest.mark.django_db
def test_a_fallback_to_a_connection_that_is_gone_is_named():
    from prompts.models import Prompt

    prompt = Prompt.objects.create(name="triage", title="Triage")
    messages = [{"role": "user", "content": "{{ text }}"}]
    fallbacks = [{"connection": alias, "model": "", "on": ["rate"]} for alias in ("local", "gone")]
    prompt.add_version(messages=messages, fallbacks=fallbacks).set_label("production")
    [found] = database_checks()
    assert (found.id, found.msg) == (
        "aiops.W009",
        "'triage v1', labelled production, wants the connection 'gone', which does not exist.",
    )


@pytest.mark.django_db(transaction=True)
def test_the_labels_are_looked_at_before_a_migration_that_adds_a_column(settings):
    from django.db import connection

    from prompts.models import Prompt

    prompt = Prompt.objects.create(name="triage", title="Triage")
    prompt.add_version(messages=[{"role": "user", "content": "x"}], connection="gone").set_label("production")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE prompts_prompt RENAME COLUMN description TO not_there_yet")
        try:
            assert [found.id for found in database_checks()] == ["aiops.W009"]
        finally:
            cursor.execute("ALTER TABLE prompts_prompt RENAME COLUMN not_there_yet TO description")


def test_every_number_is_in_the_docs_and_every_number_of_the_docs_exists():
    source = "".join(path.read_text() for path in (DOCS.parents[2] / "aiops/checks").glob("*.py"))
    given = set(re.findall(r'id="(aiops\.[EW]\d{3})"', source))
    told = set(re.findall(r"^\| `(aiops\.[EW]\d{3})`", DOCS.read_text(), re.MULTILINE))
    assert given == told
    assert given

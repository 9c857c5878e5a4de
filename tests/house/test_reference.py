"""The reference says what is in the code: errors, fields of the log, options of settings and commands."""

import re
from argparse import SUPPRESS
from dataclasses import asdict
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from aiops.calls.models import Call
from aiops.calls.remedies import REMEDIES
from aiops.execution.judge import SCHEMA
from aiops.execution.lost import LOST
from aiops.gateway.errors import GatewayError
from aiops.ledger.errors import LedgerError
from aiops.limits.errors import TooBusy
from aiops.options import Options

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs/reference"
CODE = "".join(path.read_text() for room in ("execution", "jobs") for path in (ROOT / "aiops" / room).rglob("*.py"))


def first_column(page):
    """Names in code type in the first cell of each row."""
    cells = re.findall(r"(?m)^\| ((?:`\w+`(?:, )?)+) \|", (REFERENCE / page).read_text())
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def below(error):
    for inner in error.__subclasses__():
        yield inner
        yield from below(inner)


def kinds():
    classes = {error.kind for error in (*below(GatewayError), *below(LedgerError))} - {GatewayError.kind}
    return classes | {SCHEMA, LOST, TooBusy.kind}


def test_every_kind_of_error_has_a_remedy():
    assert kinds() - set(REMEDIES) == set()


def test_every_remedy_is_for_a_kind_that_there_is():
    assert {kind for kind in set(REMEDIES) - kinds() if f'"{kind}"' not in CODE} == set()


def test_the_page_has_every_kind_of_error_with_its_remedy():
    rows = (REFERENCE / "errors.md").read_text().splitlines()
    told = {row.split("`")[1]: row.split(" | ")[-1].removesuffix(" |") for row in rows if row.startswith("| `")}
    assert told == {kind: str(remedy) for kind, remedy in REMEDIES.items()}
    assert sorted(first_column("errors.md")) == sorted(told)


def test_the_page_has_every_field_of_the_log():
    assert sorted(first_column("log.md")) == sorted(field.name for field in Call._meta.concrete_fields)


def test_the_page_has_every_option_of_the_setting_with_its_default():
    rows = (REFERENCE / "settings.md").read_text().partition("## Connections")[0]
    told = dict(re.findall(r"(?m)^\| `([A-Z_]+)` \| `(.*?)` \|", rows))
    shown = {name.upper(): repr(value).replace("'", '"') for name, value in asdict(Options()).items()}
    assert told == {"CONNECTIONS": "{}", **shown}


@pytest.mark.parametrize(
    "name",
    [
        "run_prompt",
        "run_job",
        "job_status",
        "work",
        "health",
        "purge_cache",
        "find_openai_calls",
        "reconcile_spend",
        "sync_models",
        "uploaded_files",
        "spend_report",
        "rebuild_spend",
    ],
)
def test_the_page_has_every_option_of_a_command(name):
    told = (REFERENCE / "commands.md").read_text().split(f"\n## {name}\n")[1].partition("\n## ")[0]
    usual = BaseCommand().create_parser("manage.py", name)
    parser = load_command_class("aiops", name).create_parser("manage.py", name)
    everybodys = {option for action in usual._actions for option in action.option_strings}
    shown = [action for action in parser._actions if action.help != SUPPRESS]
    options = {option for action in shown for option in action.option_strings} - everybodys
    assert {option for option in options if option not in told} == set()

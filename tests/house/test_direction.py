"""`project → aiops → prompts`, and the rooms of aiops top to bottom: for imports, and for foreign keys besides."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

ROOT = Path(__file__).parent.parent.parent
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def floors():
    """Room → how far down it lies; the contract for imports is the only place that says so."""
    rooms = CONTRACTS["rooms"]["layers"]
    names = [["project"], *([f"aiops.{name.strip(' ()')}" for name in row.split("|")] for row in rooms), ["prompts"]]
    return {name: floor for floor, row in enumerate(names) for name in row}


def room_of(model):
    parts = model.__module__.split(".")
    return ".".join(parts[:2]) if parts[0] == "aiops" else parts[0]


def upward_links(some_models):
    """Links to a room above, or to a neighbour that is not to be known."""
    floor = floors()
    found = []
    for model in some_models:
        here = room_of(model)
        for field in model._meta.get_fields():
            if field.auto_created or not field.related_model or room_of(field.related_model) not in floor:
                continue  # The other end of a link, no link, or a link to Django itself, which lies below everything.
            there = room_of(field.related_model)
            if there != here and floor[there] <= floor[here]:
                found.append(f"{model.__name__}.{field.name}: {here} → {there}")
    return found


def test_no_foreign_key_points_upward():
    ours = [model for model in apps.get_models() if room_of(model) in floors()]
    assert len(ours) > 5
    assert upward_links(ours) == []


def test_every_model_lives_in_a_room():
    ours = [model for model in apps.get_models() if model._meta.app_label in {"prompts", "aiops", "helpdesk"}]
    assert [model for model in ours if room_of(model) not in floors()] == []


@isolate_apps("aiops")
@pytest.mark.parametrize(
    ("holder", "target", "upward"),
    [
        ("aiops.ledger.models", "aiops.jobs.models", True),
        ("aiops.calls.models", "aiops.ledger.models", True),
        ("prompts.models", "aiops.calls.models", True),
        ("aiops.jobs.models", "aiops.calls.models", False),
        ("aiops.jobs.models", "prompts.models", False),
        ("project.helpdesk.models", "aiops.calls.models", False),
        ("aiops.jobs.models", "aiops.jobs.models", False),
    ],
)
@pytest.mark.parametrize("kind", [models.OneToOneField, models.ForeignKey, models.ManyToManyField])
def test_a_foreign_key_that_points_upward_is_found(kind, holder, target, upward):
    def make(name, module, **fields):
        options = type("Meta", (), {"app_label": "aiops"})
        return type(name, (models.Model,), {"__module__": module, "Meta": options, **fields})

    above = make("Above", target)
    options = {} if kind is models.ManyToManyField else {"on_delete": models.CASCADE}
    below = make("Below", holder, link=kind(above, **options))
    assert bool(upward_links([below])) is upward


def lint(folder):
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_the_contract_for_imports_is_kept():
    code, output = lint(ROOT)
    assert code == 0, output


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("aiops/gateway/wrong.py", "import aiops.jobs.models\n", "The rooms of aiops"),
        ("aiops/calls/wrong.py", "from aiops.ledger import models\n", "The rooms of aiops"),
        ("prompts/wrong.py", "def late():\n    from aiops.gateway import request\n", "The site knows aiops"),
        ("aiops/attic/__init__.py", "", "The rooms of aiops"),
        ("aiops/ledger/wrong.py", "import aiops.models\n", "No room imports the wiring"),
    ],
)
def test_a_wrong_import_and_a_room_placed_nowhere_are_found(tmp_path, path, line, name):
    for source in [*ROOT.glob("aiops/**/*.py"), *ROOT.glob("prompts/**/*.py"), *ROOT.glob("project/**/*.py")]:
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    wrong = tmp_path / path
    wrong.parent.mkdir(exist_ok=True)
    wrong.write_text(line)
    code, output = lint(tmp_path)
    assert code == 1
    assert any(name in told and "BROKEN" in told for told in output.splitlines()), output

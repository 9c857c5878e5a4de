"""`manage.py sync_models`, to the letter."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.catalogue.models import ModelCard
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import StandIn


@pytest.fixture
def soon():
    return (timezone.localdate() + timedelta(days=30)).isoformat()


@pytest.fixture
def connect(settings, transactional_db):
    def connect(**servers):
        made = {
            alias: {"BASE_URL": server.base_url, "API_KEY": "k", "PROVIDER": "openai", "MODEL": "gpt-6-luna"}
            for alias, server in servers.items()
        }
        settings.AIOPS = settings.AIOPS | {"CONNECTIONS": made}

    yield connect
    close_sync_clients()


@pytest.fixture
def server(connect, soon):
    with StandIn(models={"gpt-6-luna": None, "house-model": soon, "gpt-6.1-sol": None}) as server:
        connect(default=server)
        yield server


def test_the_first_time(run, server, soon):
    ran = run("sync_models")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"default: 3 models, 3 new\n  new: gpt-6-luna, gpt-6.1-sol, house-model\n  house-model ends on {soon}\n"
    )
    assert ModelCard.objects.count() == 3


def test_the_next_time(run, server, soon):
    run("sync_models")
    assert run("sync_models").stdout == f"default: 3 models\n  house-model ends on {soon}\n"


def test_what_is_gone_and_what_is_back(run, connect, server):
    run("sync_models")
    with StandIn(models=["gpt-6-luna"]) as smaller:
        connect(default=smaller)
        assert run("sync_models").stdout == "default: 1 model, 2 gone\n  gone: gpt-6.1-sol, house-model\n"
    connect(default=server)
    assert run("sync_models").stdout.startswith("default: 3 models, 2 back\n  back: gpt-6.1-sol, house-model\n")


def test_a_dry_run_changes_nothing(run, server):
    ran = run("sync_models", "default", "--dry-run")
    assert ran.stdout.endswith("Nothing was changed (dry run).\n")
    assert ran.stdout.startswith("default: 3 models, 3 new\n")
    assert not ModelCard.objects.exists()


def test_one_that_cannot_be_asked_does_not_stop_the_others(run, connect, server):
    with StandIn() as gone:
        connect(default=gone, other=server)
    ran = run("sync_models")
    assert ran.code == 1
    first, second = ran.stdout.splitlines()[:2]
    assert first == "default: The provider cannot be reached; check its address and that it is running."
    assert second == "other: 3 models, 3 new"
    assert set(ModelCard.objects.values_list("connection", flat=True)) == {"other"}


def test_as_json(run, server, soon):
    ran = run("sync_models", "--json")
    assert json.loads(ran.stdout) == {
        "connections": [
            {
                "alias": "default",
                "listed": 3,
                "new": ["gpt-6-luna", "gpt-6.1-sol", "house-model"],
                "gone": [],
                "back": [],
                "ending": [{"model": "house-model", "ends_on": soon, "in_its_place": None}],
                "problem": None,
            }
        ],
        "dry_run": False,
    }


def test_a_connection_that_is_not_there_is_refused(run, server):
    ran = run("sync_models", "default", "azur")
    assert (ran.code, ran.stdout) == (2, "")
    assert "There is no connection 'azur': use one of default" in ran.stderr
    assert server.requests == []


def test_help_shows_examples(run):
    assert "  manage.py sync_models default azure\n" in run("sync_models", "--help").stdout

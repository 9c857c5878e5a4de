"""The compose file is one that can be used: it names commands, variables and files that there are."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]


def test_site_and_workers_are_there_and_share_all_that_they_must():
    assert {"db", "redis", "migrate", "site", "workers"} == set(SERVICES)
    for name in ("DATABASE_URL", "SECRET_KEY", "REDIS_URL", "OPENAI_API_KEY", "VAR_DIR"):
        assert len({SERVICES[service]["environment"][name] for service in OURS}) == 1, name
    assert len({str(SERVICES[service]["volumes"]) for service in OURS}) == 1


@pytest.mark.parametrize("service", OURS)
def test_every_command_and_variable_is_one_that_exists(service):
    words = " ".join(SERVICES[service]["command"])
    assert [name for name in re.findall(r"manage\.py (\w+)", words) if name not in get_commands()] == []
    known = set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text()))
    assert set(SERVICES[service]["environment"]) - known == set()


def test_workers_are_given_the_time_to_end_and_somebody_buries_their_processes():
    assert SERVICES["workers"]["command"] == ["python", "manage.py", "work"]
    assert SERVICES["workers"]["stop_grace_period"] == "5m"
    assert all(SERVICES[service]["init"] for service in OURS)


def test_no_secret_has_a_value_in_it():
    given = [value for service in SERVICES.values() for name, value in service.get("environment", {}).items()]
    secret = [value for value in map(str, given) if re.search("KEY|PASSWORD", value)]
    assert secret
    assert all(re.search(r"\$\{\w+:\?", value) for value in secret)

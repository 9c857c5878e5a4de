"""A number that no column can hold finds nothing: somebody typed an address wrong, and no server is at fault."""

from __future__ import annotations

import pytest

from tests.screens.rows import make_job

LISTS = (
    "/admin/aiops/call/?version={}",
    "/admin/aiops/call/?status=failed&version={}",
    "/admin/aiops/job/?version={}",
    "/admin/aiops/item/?job={}",
)
NEXT_VERSIONS = (
    "/admin/prompts/promptversion/add/?prompt={}",
    "/admin/prompts/promptversion/add/?prompt=1&from={}",
    "/admin/prompts/schemaversion/add/?schema={}",
    "/admin/prompts/schemaversion/add/?schema=1&from={}",
)
huge = pytest.mark.parametrize("number", [2**63, 10**30, "9" * 5000, "٣" * 30], ids=["2**63", "30", "5000", "arabic"])


@huge
@pytest.mark.parametrize("address", LISTS)
def test_a_list_finds_nothing(boss, version, address, number):
    make_job(version, succeeded=1, failed=1)
    assert len(boss.get(address.format(number)).context["cl"].result_list) == 0


@huge
@pytest.mark.parametrize("address", NEXT_VERSIONS)
def test_a_next_version_starts_from_nothing(boss, version, address, number):
    assert boss.get(address.format(number)).status_code == 200

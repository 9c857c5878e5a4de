"""What the how-to shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile

from aiops.files.kinds import KINDS
from aiops.files.models import UploadedFile
from tests.files.conftest import PDF

HOW_TO = (Path(__file__).parents[2] / "docs/how-to/keep-files.md").read_text()


@pytest.mark.django_db
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_examples_do_what_they_say(provider, person, settings, budget, tmp_path, monkeypatch, api):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "API": api}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**settings.AIOPS["CONNECTIONS"], "default": default}}
    (tmp_path / "contract.pdf").write_bytes(PDF)
    monkeypatch.chdir(tmp_path)
    provider.reply_with("Ada does.")
    user = person("ada")
    names = {"user": user}
    for block in re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL):
        exec(compile(block, "keep-files.md", "exec"), names)
    contract = names["contract"]
    assert (contract.owner, contract.state) == (user, "there")
    assert names["answer"].choices[0].message.content == "Ada does."
    asked = next(request for request in provider.requests if request.operation != "files")
    assert contract.provider_id in str(asked.body)
    assert names["content"] == (tmp_path / "copy.pdf").read_bytes() == PDF
    assert names["size"] == len(PDF)
    assert UploadedFile.objects.get(pk=contract.pk).state == "deleted"
    kept = async_to_sync(names["keep"])(SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n"))
    assert (kept.purpose, kept.state) == ("vision", "there")


def test_the_page_has_every_kind_and_every_state():
    told = re.search(r"\| kinds \| (.*?) \|", HOW_TO)[1].split(", ")
    assert told == sorted(KINDS)
    assert set(re.findall(r"(?m)^\| `(\w+)` \| ", HOW_TO)) - {"expires_after"} == set(UploadedFile.State.values)

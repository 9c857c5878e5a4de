"""Prompts and schemas out of a directory, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from prompts.errors import BadFile, InvalidContent, PromptError, choices
from prompts.files import PromptFile, SchemaFile, read_prompt, read_schema
from prompts.models import OutputSchema, Prompt, PromptVersion, SchemaVersion


@dataclass
class LoadResult:
    """What a directory has brought."""

    added: list[str] = field(default_factory=list)
    """Versions, such as `triage-ticket v2`."""
    unchanged: list[str] = field(default_factory=list)
    """Versions that say exactly what a file says."""
    labelled: list[str] = field(default_factory=list)
    """Labels that were moved, such as `triage-ticket: production → 2`."""

    def lines(self) -> list[str]:
        """One line a thing that was done, then the sum."""
        added = ngettext("%(n)d version added", "%(n)d versions added", len(self.added)) % {"n": len(self.added)}
        return [
            *(_("added %(version)s") % {"version": version} for version in self.added),
            *self.labelled,
            _("%(added)s, %(n)d unchanged.") % {"added": added, "n": len(self.unchanged)},
        ]


def load_prompts(directory: str | Path, by: Any = None) -> LoadResult:
    """Load `schemas/*.json` and `prompts/*.json` of a directory, in one transaction.

    A version is added only where no version of that prompt says the same already: what people have written since stays
    the latest. A label moves only together with a version that was added, or where it does not exist yet.

    Raises:
        BadFile: the first file that cannot be loaded, by name; nothing is loaded then.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise BadFile(_("%(path)s is no directory: name one that holds prompts/*.json.") % {"path": directory})
    schemas = [read_schema(path) for path in sorted(directory.glob("schemas/*.json"))]
    prompts = [read_prompt(path) for path in sorted(directory.glob("prompts/*.json"))]
    if not schemas and not prompts:
        raise BadFile(
            _("%(path)s holds neither prompts/*.json nor schemas/*.json: there is nothing to load.")
            % {"path": directory}
        )
    _once_each(schemas)
    _once_each(prompts)
    result = LoadResult()
    with transaction.atomic():
        loaded = {file.name: _load_schema(file, result, by) for file in schemas}
        for file in prompts:
            _load_prompt(file, loaded, result, by)
    return result


def _once_each(files: Iterable[SchemaFile | PromptFile]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if file.name in seen:
            raise BadFile(
                _('%(path)s: the name "%(name)s" is taken by %(other)s: give it another.')
                % {"path": file.path, "name": file.name, "other": seen[file.name]}
            )
        seen[file.name] = file.path


def _load_schema(file: SchemaFile, result: LoadResult, by: Any) -> SchemaVersion:
    defaults = {"title": file.title, "description": file.description}
    schema, created = OutputSchema.objects.get_or_create(name=file.name, defaults=defaults)
    candidate = SchemaVersion(schema=schema, number=0, body=file.body)
    version: SchemaVersion | None
    try:
        candidate.seal()
        version = schema.versions.filter(content_hash=candidate.content_hash).order_by("-number").first()
        if version is None:
            version = schema.add_version(file.body, note=file.note, by=by)
            _noted(schema, created, defaults)
            result.added.append(str(version))
            return version
    except PromptError as error:
        raise BadFile(_("%(path)s: %(error)s") % {"path": file.path, "error": error}) from error
    result.unchanged.append(str(version))
    return version


def _load_prompt(file: PromptFile, loaded: dict[str, SchemaVersion], result: LoadResult, by: Any) -> None:
    defaults = {"title": file.title, "description": file.description}
    try:
        content: dict[str, Any] = {
            "messages": file.messages,
            "model": file.model,
            "connection": file.connection,
            "parameters": file.parameters,
            "output_limit": file.output_limit,
            "schema": _schema_for(file, loaded),
            "fallbacks": file.fallbacks,
        }
        prompt, created = Prompt.objects.get_or_create(name=file.name, defaults=defaults)
        candidate = PromptVersion(prompt=prompt, number=0, **content)
        candidate.seal()
        version = prompt.versions.filter(content_hash=candidate.content_hash).order_by("-number").first()
        added = version is None
        if version is None:
            version = prompt.add_version(**content, note=file.note, by=by)
            _noted(prompt, created, defaults)
        (result.added if added else result.unchanged).append(str(version))
        taken = set() if added else set(prompt.labels.values_list("name", flat=True))
        for name in file.labels:
            if name not in taken:
                label = version.set_label(name, by)
                result.labelled.append(f"{prompt.name}: {label}")
    except PromptError as error:
        raise BadFile(_("%(path)s: %(error)s") % {"path": file.path, "error": error}) from error


def _schema_for(file: PromptFile, loaded: dict[str, SchemaVersion]) -> SchemaVersion | None:
    if file.schema is None:
        return None
    if file.schema in loaded:
        return loaded[file.schema]
    latest = SchemaVersion.objects.filter(schema__name=file.schema).order_by("-number").first()
    if latest is None:
        names = {*loaded, *OutputSchema.objects.values_list("name", flat=True)}
        raise InvalidContent(
            [
                _('there is no schema "%(name)s": add a file for it. There is: %(known)s.')
                % {"name": file.schema, "known": choices(names)}
            ]
        )
    found: SchemaVersion = latest
    return found


def _noted(parent: Prompt | OutputSchema, created: bool, texts: dict[str, str]) -> None:
    # Title and description follow the file together with its content, never against what people have written since.
    if not created:
        type(parent).objects.filter(pk=parent.pk).update(**texts)

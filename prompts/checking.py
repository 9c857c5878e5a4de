"""Whether everything in the database is still what was saved, and can still be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from prompts.content import problems_of_content
from prompts.errors import Forbidden, NotRendered, TooLarge
from prompts.models import Label, PromptVersion, SchemaVersion
from prompts.rendering.render import render
from prompts.schemas import problems_of_schema


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    about: str
    """`triage-ticket v2`, or `triage-ticket@production`."""
    sentence: str

    def __str__(self) -> str:
        return f"{self.about}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was looked at, and what was found."""

    versions: int
    schemas: int
    labels: int
    findings: tuple[Finding, ...]

    def sentence(self) -> str:
        """The sum, in one sentence."""
        looked = _("%(versions)d prompt versions, %(schemas)d schema versions, %(labels)d labels") % {
            "versions": self.versions,
            "schemas": self.schemas,
            "labels": self.labels,
        }
        if not self.findings:
            return _("%(looked)s: all are what was saved, and can be used.") % {"looked": looked}
        return _("%(looked)s: %(n)d problems.") % {"looked": looked, "n": len(self.findings)}


def check_prompts() -> CheckResult:
    """Compare hashes, compile and render every version, lint every schema, follow every label. Changes nothing."""
    findings: list[Finding] = []
    counts: Counter[str] = Counter(versions=0, schemas=0, labels=0)
    versions = PromptVersion.objects.whole().order_by("prompt__name", "number")
    for version in versions.iterator(chunk_size=200):
        counts["versions"] += 1
        findings += of_version(version)
    schemas = SchemaVersion.objects.select_related("schema").order_by("schema__name", "number")
    for schema_version in schemas.iterator(chunk_size=200):
        counts["schemas"] += 1
        findings += of_schema(schema_version)
    for label in Label.objects.select_related("prompt", "version__prompt", "version__schema__schema"):
        counts["labels"] += 1
        findings += of_label(label)
    return CheckResult(**counts, findings=tuple(findings))


def of_version(version: PromptVersion) -> Iterator[Finding]:
    """What is wrong with a version."""
    if not version.is_intact:
        yield Finding(str(version), changed())
    problems = problems_of_content(version.messages, version.parameters, version.output_limit, version.fallbacks)
    yield from (Finding(str(version), problem) for problem in problems)
    if problems:
        return
    try:
        render(version, dict.fromkeys(version.variables, ""))
    except (TooLarge, Forbidden) as error:
        yield Finding(str(version), str(error))
    except NotRendered:
        # It expects something other than text in a variable, which nobody can know from here.
        return


def of_schema(version: SchemaVersion) -> Iterator[Finding]:
    """What is wrong with a version of a schema."""
    if not version.is_intact:
        yield Finding(str(version), changed())
    for problem in problems_of_schema(version.body):
        yield Finding(str(version), str(problem))


def of_label(label: Label) -> Iterator[Finding]:
    """What is wrong with a label."""
    about = f"{label.prompt.name}@{label.name}"
    if label.version.prompt_id != label.prompt_id:
        yield Finding(about, _("points to a version of another prompt, %(version)s.") % {"version": label.version})
    elif not label.version.is_intact:
        yield Finding(about, _("points to %(version)s, which was changed.") % {"version": label.version})


def changed() -> str:
    """What to say of a version whose hash does not fit."""
    return _("its content is not what was saved: add a version with the wording that is meant, and publish that.")

"""What is looked at before a schedule is kept: whatever would refuse its first run is said at the door."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.errors import REFUSALS
from aiops.jobs.errors import JobRefused
from aiops.jobs.plan import fit
from aiops.jobs.schedules.errors import BadTime
from aiops.jobs.schedules.model import JobSchedule
from aiops.jobs.schedules.source import whole_source
from aiops.jobs.sources import MissingVariables, ModelSource, SourceError
from aiops.jobs.sources.errors import UnknownField, UnknownModel
from aiops.jobs.sources.selection import column
from aiops.resources import ResourceError
from prompts.errors import PromptError
from prompts.lookup import find_version
from prompts.models import PromptVersion


def see_that_it_can_run(schedule: JobSchedule) -> None:
    """See that a schedule makes sense and that its owner may do it.

    Raises:
        ValidationError: each thing that is wrong, by its field, in a sentence.
    """
    wrong: dict[str, list[str]] = {}
    for field, sentence in [*_time(schedule), *_people(schedule), *_work(schedule)]:
        wrong.setdefault(field, []).append(sentence)
    if wrong:
        raise ValidationError(wrong)


def version_of(schedule: JobSchedule) -> PromptVersion:
    """The version that a run of now would ask.

    Raises:
        PromptError: there is none.
    """
    return find_version(f"{schedule.prompt.name}@{schedule.version.strip()}")


def _time(schedule: JobSchedule) -> Iterator[tuple[str, str]]:
    if bool(schedule.cron.strip()) == bool(schedule.every):
        yield "cron", _("Say when it runs: either a cron expression or a number of minutes.")
        return
    try:
        schedule.cron = " ".join(schedule.cron.split())
        schedule.next_after(timezone.now())
    except BadTime as error:
        yield error.field, str(error)


def _people(schedule: JobSchedule) -> Iterator[tuple[str, str]]:
    for address in schedule.addresses:
        try:
            validate_email(address)
        except ValidationError:
            yield "tell", _("“%(address)s” is no address: write one such as ada@example.com.") % {"address": address}


def _work(schedule: JobSchedule) -> Iterator[tuple[str, str]]:
    """The version, the rows, and whether they fit one another."""
    version: PromptVersion | None = None
    if schedule.prompt_id is not None:
        try:
            version = version_of(schedule)
        except PromptError as error:
            yield "version", str(error)
    source: ModelSource | None = None
    try:
        source = whole_source(schedule)
        yield from _empty(schedule, source)
    except JobRefused as error:
        yield "owner", str(error)
    except UnknownField as error:
        yield ("empty" if schedule.empty and not schedule.filter_lines else "filters"), str(error)
    except (UnknownModel, ResourceError) as error:
        yield "row_model", str(error)
    except SourceError as error:
        yield ("list_query" if schedule.list_query and not schedule.filter_lines else "filters"), str(error)
    if version is None or source is None:
        return
    try:
        user_id = schedule.owner_id
        fit(version, source, connection=schedule.connection, model=schedule.model, user_id=user_id, now=timezone.now())
    except MissingVariables as error:
        yield "prompt", str(error)
    except REFUSALS as error:
        yield "connection", str(error)


def _empty(schedule: JobSchedule, source: ModelSource) -> Iterator[tuple[str, str]]:
    if schedule.only == JobSchedule.Only.EMPTY and not schedule.empty:
        names = ", ".join(field.name for field in source.model._meta.concrete_fields)
        yield "empty", _("Say which field is empty: one of %(names)s.") % {"names": names}
    elif schedule.empty:
        column(source.model, schedule.empty)

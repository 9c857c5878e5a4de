"""What is left to be read of a job, by a process that was not there when it was asked for."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.apps import apps
from django.contrib.admin.sites import AdminSite, all_sites
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from aiops.jobs.again import ItemSource
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.seen import rows_seen_by
from aiops.jobs.sources import Among, FileSource, Limits, ModelSource
from aiops.jobs.sources.first_rows import FirstRows
from aiops.jobs.unread.files import UnreadFile
from aiops.jobs.unread.items import UnreadItems
from aiops.jobs.unread.keys import UnreadKeys
from aiops.jobs.unread.unread import Unread
from aiops.resources import source_of


def unread_by(job: Job) -> Unread:
    """What a job says of its source, made anew.

    Raises:
        JobRefused: only the process that was asked for the job could read its rows, or what they were read from is
            gone, or is not for the person any more.
        SourceError, ResourceError: they cannot be read any more.
    """
    how: dict[str, Any] = job.reading or {}
    match how.get("kind"):
        case "keys":
            return UnreadKeys(ModelSource(_rows_of(how)), lambda number: _part(job, number))
        case "file":
            return UnreadFile(_file_of(job, how))
        case "items":
            earlier = Job.objects.filter(pk=how["job"]).first()
            if earlier is None:
                raise JobRefused(_("Job %(id)s, whose rows these are, was deleted.") % {"id": how["job"]})
            return UnreadItems(ItemSource(earlier, failed=how["failed"]))
    raise JobRefused(_("Only the process that started this job could read its rows: delete it, and start it anew."))


def _rows_of(how: dict[str, Any]) -> QuerySet[Any]:
    try:
        model: type[Model] = apps.get_model(how["model"])
    except LookupError:
        raise JobRefused(_("The model of these rows is gone: there is nothing to read again.")) from None
    if how["among"] == Among.MODEL:
        return model._base_manager.all()
    if how["among"] == Among.SOURCE:
        rows: QuerySet[Any] = source_of(model).source().get_queryset()
        return rows
    user = get_user_model()._default_manager.filter(pk=how["seen_by"]).first()
    if user is None or not user.is_active:
        raise JobRefused(_("Whoever was to see these rows is gone: there is nobody to read them for."))
    return rows_seen_by(user, model, site=_site(how["site"]))


def _site(name: str) -> AdminSite | None:
    return next((site for site in all_sites if site.name == name), None) if name else None


def _file_of(job: Job, how: dict[str, Any]) -> FileSource | FirstRows:
    data = _part(job, 0)
    if data is None:
        raise JobRefused(_("The file of this job is gone: delete it, and start it anew."))
    file = FileSource(BytesIO(data), name=how["name"], limits=Limits(**how["limits"]))
    return file if how["limit"] is None else FirstRows(file, how["limit"])


def _part(job: Job, number: int) -> bytes | None:
    data = job.unread_parts.filter(number=number).values_list("data", flat=True).first()
    return None if data is None else bytes(data)

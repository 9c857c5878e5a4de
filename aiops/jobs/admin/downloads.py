"""The results of a job, to take along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils.translation import gettext as _

from aiops.jobs.admin.reading import may_see_items, readable
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.outcomes import results_of
from aiops.jobs.results import Format, ResultRow, TooLongForExcel, iter_csv, iter_json, write_results

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin

PIECE = 2**16
"""Characters sent at once: a row at a time would be a write to the network for each."""


def may_download(model_admin: ReadOnlyAdmin[Job], request: HttpRequest) -> bool:
    """Whether the person may see the job and its items; what of these may be read is seen to row by row."""
    return model_admin.has_view_permission(request) and may_see_items(request)


def downloads(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> list[tuple[str, str]]:
    """Kind of file and its address, for those who may have it."""
    if job.planned_at is None or not may_download(model_admin, request):
        return []
    site = model_admin.admin_site.name
    return [
        (str(kind), reverse(f"admin:aiops_job_results_{kind}", args=(job.pk,), current_app=site)) for kind in Format
    ]


def download_view(model_admin: ReadOnlyAdmin[Job], kind: Format) -> Callable[[HttpRequest, int], HttpResponseBase]:
    """The address of the results as one kind of file."""

    def view(request: HttpRequest, job_id: int) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not may_download(model_admin, request):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        try:
            job.require_planned()
            response = _file(job, kind, results_of(job, readable=partial(readable, model_admin.admin_site, request)))
        except (JobRefused, TooLongForExcel) as error:
            messages.error(request, str(error))
            site = model_admin.admin_site.name
            return HttpResponseRedirect(reverse("admin:aiops_job_change", args=(job.pk,), current_app=site))
        response.headers["Content-Type"] = kind.content_type
        response.headers["Content-Disposition"] = f'attachment; filename="{job.version.prompt.name}-{job.pk}.{kind}"'
        # A browser neither guesses what it is nor shows it as a page.
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return view


def _file(job: Job, kind: Format, rows: Iterator[ResultRow]) -> HttpResponseBase:
    schema = job.version.schema.body if job.version.schema else None
    if kind is Format.XLSX:
        # A workbook is known to be whole only at its end.
        file = TemporaryFile()  # noqa: SIM115 - the response closes it
        try:
            write_results(rows, kind, file, schema=schema)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return FileResponse(file)
    return StreamingHttpResponse(_pieces(iter_csv(rows, schema=schema) if kind is Format.CSV else iter_json(rows)))


def _pieces(texts: Iterator[str]) -> Iterator[bytes]:
    held, size = [], 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= PIECE:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()

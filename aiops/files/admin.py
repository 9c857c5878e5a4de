"""The list of uploaded files: what is where, until when, whose; and a way to delete it there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.durable import InTransaction
from aiops.files.deletion import delete_several
from aiops.files.models import UploadedFile
from aiops.gateway.connections import usable_connections
from aiops.gateway.retry import RetryPolicy
from aiops.lists import ReadOnlyAdmin
from aiops.templatetags.aiops_format import ago, marked

AT_ONCE = 50
"""Files that are deleted by one press: each is asked for by itself, while somebody waits."""

PATIENTLY = RetryPolicy(attempts=2, deadline=10.0)


class ConnectionFilter(admin.SimpleListFilter):
    """By alias: those of the settings, and the one that is asked for."""

    title = gettext_lazy("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        usable, _wrong = usable_connections()
        return [(name, name) for name in sorted({*usable, self.value() or ""} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(connection=self.value()) if self.value() else queryset


@admin.register(UploadedFile)
class UploadedFileAdmin(ReadOnlyAdmin[UploadedFile]):
    """Uploaded files, newest first."""

    page_template = "aiops/files/file.html"
    change_list_template = "admin/aiops/uploadedfile/change_list.html"
    list_display = ("name", "shown_state", "connection", "shown_size", "owner", "uploaded", "shown_expires")
    list_filter = ("state", ConnectionFilter)
    list_select_related = ("owner",)
    ordering = ("-id",)
    finds_keys_first = True
    search_fields = ("name", "provider_id")
    search_help_text = gettext_lazy("A part of the name, or of the id at the provider.")
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"id__lt"})
    actions = ("delete_there",)

    def lookup_beyond(self, params: Any) -> str | None:
        return "id__lt"

    def has_delete_there_permission(self, request: HttpRequest) -> bool:
        """Whether the person may delete files at providers."""
        return bool(request.user.has_perm("aiops.delete_uploadedfile"))

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, file: UploadedFile) -> SafeString:
        return marked(file.state, file.get_state_display())

    @admin.display(description=gettext_lazy("size"))
    def shown_size(self, file: UploadedFile) -> str:
        return filesizeformat(file.size)

    @admin.display(description=gettext_lazy("uploaded"))
    def uploaded(self, file: UploadedFile) -> str:
        return ago(file.created)

    @admin.display(description=gettext_lazy("expires"))
    def shown_expires(self, file: UploadedFile) -> SafeString | str:
        if file.expires is None:
            return "–"
        moment = timezone.localtime(file.expires)
        exact = date_format(moment, "DATETIME_FORMAT")
        day = date_format(moment, "DATE_FORMAT")
        return format_html('<time datetime="{}" title="{}">{}</time>', file.expires.isoformat(), exact, day)

    def page_context(self, request: HttpRequest, row: UploadedFile) -> dict[str, Any]:
        """The file, and whether it can be deleted from here."""
        may_delete = self.has_delete_there_permission(request) and row.state == UploadedFile.State.THERE
        return {
            "size": filesizeformat(row.size),
            "state": self.shown_state(row),
            "delete_url": self._list_url() if may_delete else "",
        }

    @admin.action(description=gettext_lazy("Delete at the provider…"), permissions=["delete_there"])
    def delete_there(self, request: HttpRequest, queryset: QuerySet[UploadedFile]) -> HttpResponse | None:
        """Ask, and at the second press delete."""
        files = list(queryset[: AT_ONCE + 1])
        if len(files) > AT_ONCE:
            text = _("At most %(n)s files are deleted at once: select fewer, or use manage.py uploaded_files delete.")
            self.message_user(request, text % {"n": AT_ONCE}, messages.ERROR)
            return None
        if request.POST.get("confirmed") != "yes":
            return self._asked(request, files)
        try:
            done = delete_several(files, PATIENTLY)
        except InTransaction as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        self.message_user(request, done.sentence(), messages.WARNING if done.failures else messages.SUCCESS)
        return None

    def _asked(self, request: HttpRequest, files: list[UploadedFile]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Delete at the provider"),
            # What the breadcrumbs end in.
            "original": _("Delete at the provider"),
            "has_view_permission": True,
            "media": self.media,
            "files": [(file, self.shown_state(file), filesizeformat(file.size)) for file in files],
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
            "list_url": self._list_url(),
        }
        return TemplateResponse(request, "aiops/files/delete.html", context)

    def _list_url(self) -> str:
        return reverse("admin:aiops_uploadedfile_changelist", current_app=self.admin_site.name)

"""The page over rows of a model: those selected in its list, or the one whose page was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from aiops.jobs.quoted_page.page import QuotedPage
from aiops.jobs.run_page.forms import RunForm
from aiops.jobs.sources import ModelSource

if TYPE_CHECKING:
    AnyAdmin = ModelAdmin[Any]


class RunPage(QuotedPage[RunForm]):
    """One request of the page."""

    def __init__(
        self,
        model_admin: AnyAdmin,
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        again: list[tuple[str, str]] | None = None,
        row: Model | None = None,
        listed: str | None = None,
    ) -> None:
        """Take the selection.

        Args:
            model_admin: whose rows; says how they are called.
            request: as in `QuotedPage`.
            queryset: the selected rows, no others than the user may see.
            again: hidden fields that make the same selection when the form is posted.
            row: the row whose page was left, where it is but one.
            listed: what the address of the list says, where all rows on it are meant.
        """
        super().__init__(model_admin, request)
        self.queryset = queryset
        self.again = again or []
        self.row = row
        self.listed = listed

    def title(self) -> str:
        count = self.queryset.count()
        opts = self.admin.opts
        return ngettext("Run a prompt on %(count)s %(one)s", "Run a prompt on %(count)s %(many)s", count) % {
            "count": f"{count:,}",
            "one": opts.verbose_name,
            "many": opts.verbose_name_plural,
        }

    def back_url(self) -> str:
        if self.row is None:
            return self.request.get_full_path()
        name = f"admin:{self.admin.opts.app_label}_{self.admin.opts.model_name}_change"
        return reverse(name, args=[quote(self.row.pk)], current_app=self.admin.admin_site.name)

    def form(self, *, posted: bool) -> RunForm:
        data = self.request.POST if posted else None
        return RunForm(self.queryset.model, data, user=self.request.user, one_row=self.row is not None)

    def source(self, form: RunForm) -> ModelSource:
        user, site = self.request.user, self.admin.admin_site
        return form.rows(self.queryset, seen_by=user.pk, site=site.name, listed=self.listed)

    def context(self, form: RunForm) -> dict[str, Any]:
        return {"again": self.again, "subtitle": str(self.row) if self.row is not None else None}

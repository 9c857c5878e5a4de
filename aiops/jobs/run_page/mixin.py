"""What a `ModelAdmin` gets: an action over selected rows, and a button on the page of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import select_template
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aiops.jobs.run_page.page import RunPage

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

ACTION = "run_prompt"


class RunPromptMixin(Base):
    """Lets staff run a prompt on rows of this admin; put it before `ModelAdmin` in the bases.

    Rows only ever come from `get_queryset(request)`, narrowed by the filters of the list. Who may do it: staff with the
    permission `aiops.run_job` who may also view the model. Whatever `change_form_template` there is stays in use.
    """

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self._shop_template: Any = self.change_form_template
        self.change_form_template = "aiops/jobs/change_form_with_run.html"  # type: ignore[misc]
        if self.actions is not None and ACTION not in self.actions:
            self.actions = [*self.actions, ACTION]

    def has_run_prompt_permission(self, request: HttpRequest) -> bool:
        """Whether the user may run prompts on rows of this model."""
        user = request.user
        return user.is_active and user.has_perm("aiops.run_job") and self.has_view_permission(request)

    @admin.action(description=_("Run a prompt on selected %(verbose_name_plural)s…"), permissions=[ACTION])
    def run_prompt(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """The page, for the rows selected in the list."""
        across = request.POST.get("select_across") == "1"
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        # One is enough where all are meant: the list makes the rows again from its filters, 40,000 keys stay at home.
        keys = selected[:1] if across else selected
        again = [
            ("action", ACTION),
            ("select_across", "1" if across else "0"),
            *((ACTION_CHECKBOX_NAME, key) for key in keys),
        ]
        listed = request.GET.urlencode() if across else None
        return RunPage(self, request, queryset, again=again, listed=listed).respond()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; whoever posts the action without the permission is told so."""
        if (
            request.method == "POST"
            and ACTION in request.POST.getlist("action")
            and not self.has_run_prompt_permission(request)
        ):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def run_prompt_on_row(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page, for one row."""
        if not self.has_run_prompt_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404(gettext("There is no such row, or you may not see it."))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return RunPage(self, request, self.get_queryset(request).filter(pk=row.pk), row=row).respond()

    def get_urls(self) -> list[URLPattern]:
        """Adds the page of one row."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_run_prompt"
        view = self.admin_site.admin_view(self.run_prompt_on_row)
        # Before the others: the last of them takes every address.
        return [path("<path:object_id>/run-prompt/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Adds the button, around whichever template the page has."""
        label, name = self.opts.app_label, self.opts.model_name
        usual = [f"admin/{label}/{name}/change_form.html", f"admin/{label}/change_form.html", "admin/change_form.html"]
        template = self._shop_template or usual
        context["run_prompt_base"] = select_template(template) if isinstance(template, list | tuple) else template
        row = kwargs.get("obj")
        if row is not None and self.has_run_prompt_permission(request):
            context["run_prompt_url"] = reverse(
                f"{self.admin_site.name}:{label}_{name}_run_prompt", args=[quote(row.pk)]
            )
        return super().render_change_form(request, context, *args, **kwargs)

"""What the pages of large logs have in common: nothing is changed by hand, and nobody counts a million rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    # Django's own classes cannot be subscripted when they run.
    BasePaginator = Paginator[Any]

    class ModelAdmin(admin.ModelAdmin[M]):
        pass

    TabularInline = admin.TabularInline[Any, Any]
else:
    BasePaginator = Paginator

    class ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, model: object) -> type:
            return cls

    TabularInline = admin.TabularInline


class BoundedPaginator(BasePaginator):
    """Counts no further than `BOUND` rows: counting a whole log takes longer than reading a page of it."""

    BOUND = 10_000

    @cached_property
    def _found(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: self.BOUND + 1].count()

    @property
    def is_bounded(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._found > self.BOUND

    @cached_property
    def count(self) -> int:
        """Rows found, at most `BOUND`."""
        return min(self._found, self.BOUND)


class ExactFilter(admin.SimpleListFilter):
    """By the value of one column. Only for a `BoundedChangeList`: it looks up all that is asked for together."""

    field: str
    """The column."""

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        if not issubclass(model_admin.get_changelist(request), BoundedChangeList):
            raise ImproperlyConfigured(f"{type(self).__name__} is for lists that are a BoundedChangeList.")

    def asked(self) -> Any:
        """The value; None for one that no row can have."""
        return self.value()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class BoundedChangeList(ChangeList):
    """A change list that leads on to the rows beyond its last numbered page."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Django's, narrowed by its `ExactFilter`s."""
        return self.narrowed(super().get_queryset(request, exclude_parameters))

    def asking(self) -> list[ExactFilter]:
        """The filters that ask for anything."""
        return [one for one in self.filter_specs if isinstance(one, ExactFilter) and one.value()]

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that satisfy all that the filters ask for."""
        conditions = {one.field: one.asked() for one in self.asking()}
        return rows.none() if None in conditions.values() else rows.filter(**conditions)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Django's; an address that asks for an order that is not offered gets the usual one."""
        if not self.sortable_by:
            self.params.pop(ORDER_VAR, None)
        return list(super().get_ordering(request, queryset))

    def get_results(self, request: HttpRequest) -> None:
        """Django's; but of a log, a page is found by its keys alone, which are in an index, and only then read."""
        super().get_results(request)
        if not self.model_admin.finds_keys_first:  # type: ignore[attr-defined]
            return
        page = self.result_list if self.result_list.query.is_sliced else self.result_list[: self.result_count]
        keys = list(page.values_list("pk", flat=True))
        rows = self.root_queryset.filter(pk__in=keys).order_by(*page.query.order_by)
        self.result_list = rows if rows.query.select_related else self.apply_select_related(rows)

    def beyond(self) -> str | None:
        """The query of the list that begins after the last numbered row; None where there is no such list."""
        lookup = self.model_admin.lookup_beyond(self.params)  # type: ignore[attr-defined]
        if lookup is None or not self.paginator.is_bounded:
            return None
        field = lookup.split("__")[0]
        last = self.paginator.count - 1
        key = self.queryset.values_list(field, flat=True)[last]
        return str(self.get_query_string({lookup: str(key), PAGE_VAR: None}))


class ReadOnlyAdmin(ModelAdmin[M]):
    """Pages of rows that only the machine writes: a list, and a page for each row made from a template of our own."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Any other order would sort the whole log.
    sortable_by: ClassVar[tuple[str, ...]] = ()
    # Nothing on a row's page leads back by them, and to put them into each link is a fifth of the whole page.
    preserve_filters = False
    list_per_page = 50
    # "Show all" would be up to this many rows in one page.
    list_max_show_all = 200

    finds_keys_first = False
    """Whether the list is a log, which grows without end: worth a query more for its pages."""

    page_template: str
    """Template of a row's page; it extends `aiops/page.html`."""

    allowed_lookups: ClassVar[frozenset[str]] = frozenset()
    """What an address may filter by, beside the filters shown. Anything else would be slow, or let people guess, word
    by word, a text that they may not read."""

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("aiops/aiops.css",)}

    def lookup_beyond(self, params: Mapping[str, str]) -> str | None:
        """The lookup that continues a list after its last numbered row; None where no index would help."""
        return None

    def listed(self, request: HttpRequest, rows: QuerySet[M]) -> Iterable[M]:
        """The rows of a page of the list, without what only their own pages show."""
        return rows

    def page_context(self, request: HttpRequest, row: M) -> dict[str, Any]:
        """What the row's page shows, beside the row itself as `original`."""
        return {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changes = super().get_changelist_instance(request)
        changes.result_list = self.listed(request, changes.result_list)
        return changes

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        shown = {name if isinstance(name, str) else getattr(name, "parameter_name", "") for name in self.list_filter}
        return lookup in self.allowed_lookups or lookup.removesuffix("__exact") in shown

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one row. It is only for reading: anything but GET is refused."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        return self.page(request, row, extra_context)

    def page(self, request: HttpRequest, row: M, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page of a row, for somebody who may see it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "media": self.media,
            "has_view_permission": True,
            **self.page_context(request, row),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)

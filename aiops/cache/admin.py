"""The answers that are kept: what they are, what they save, and a way to purge them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.cache.models import CachedAnswer
from aiops.cache.packed import FORM, unpack
from aiops.cache.purging import purge
from aiops.gateway.plain_text import storable
from aiops.lists import ReadOnlyAdmin
from aiops.templatetags.aiops_format import ago, count, money
from prompts.models import PromptVersion
from prompts.numbers import number_in

NAMED = 20
"""Answers that the page before a deletion names; the others it counts."""


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnlyAdmin[CachedAnswer]):
    """What is kept, the newest first."""

    page_template = "aiops/cache/answer.html"
    change_list_template = "admin/aiops/cachedanswer/change_list.html"
    list_display = (
        "kept",
        "shown_version",
        "model",
        "connection",
        "shown_size",
        "uses",
        "shown_cost",
        "shown_saved",
        "expires",
    )
    list_display_links = ("kept",)
    ordering = ("-id",)
    finds_keys_first = True
    search_fields = ("model__exact",)
    search_help_text = gettext_lazy("A prompt (triage-ticket), a version (triage-ticket@7) or a model (gpt-6-luna).")
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"id__lt", "prompt_version"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[CachedAnswer]:
        related = super().get_queryset(request).select_related("prompt_version__prompt")
        return related.defer("body", "prompt_version__messages", "prompt_version__parameters")

    def lookup_beyond(self, params: Any) -> str | None:
        return "id__lt"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole name of a prompt, a version or a model."""
        term = search_term.strip()
        if not term:
            return queryset, False
        name, at, suffix = term.partition("@")
        versions = PromptVersion.objects.filter(prompt__name=name)
        if at:
            number = number_in(suffix)
            versions = versions.none() if number is None else versions.filter(number=number)
        found = list(versions.values_list("pk", flat=True))
        return (queryset.filter(prompt_version__in=found) if found else queryset.filter(model=term)), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To delete an answer is to purge it: Django's own permission."""
        return bool(request.user.has_perm("aiops.delete_cachedanswer"))

    def get_deleted_objects(
        self, objs: QuerySet[CachedAnswer] | Sequence[CachedAnswer], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What will be gone. Nothing hangs on an answer, and there may be a hundred thousand."""
        n = objs.count() if isinstance(objs, QuerySet) else len(objs)
        names = [
            _("%(version)s, kept on %(when)s")
            % {"version": answer.prompt_version or answer.model, "when": moment(answer)}
            for answer in objs[:NAMED]
        ]
        if n > NAMED:
            names.append(_("and %(n)s more") % {"n": count(n - NAMED)})
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, {str(self.opts.verbose_name_plural): n}, needed, []

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CachedAnswer]) -> None:
        """By and by, as the command does it."""
        purge(queryset)  # type: ignore[arg-type]

    @admin.display(description=gettext_lazy("kept"))
    def kept(self, answer: CachedAnswer) -> str:
        return ago(answer.created_at)

    @admin.display(description=gettext_lazy("version"))
    def shown_version(self, answer: CachedAnswer) -> str:
        return str(answer.prompt_version or "–")

    @admin.display(description=gettext_lazy("size"))
    def shown_size(self, answer: CachedAnswer) -> str:
        return filesizeformat(answer.size)

    @admin.display(description=gettext_lazy("uses"))
    def uses(self, answer: CachedAnswer) -> str:
        return count(answer.hits)

    @admin.display(description=gettext_lazy("each saves"))
    def shown_cost(self, answer: CachedAnswer) -> str:
        return money(answer.cost)

    @admin.display(description=gettext_lazy("saved so far"))
    def shown_saved(self, answer: CachedAnswer) -> str:
        return money(answer.saved)

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, answer: CachedAnswer) -> str:
        return expiry(answer)

    def page_context(self, request: HttpRequest, row: CachedAnswer) -> dict[str, Any]:
        """The answer itself only for those who may read it."""
        may_read = request.user.has_perm("aiops.view_call_body")
        return {
            "title": _("Cached answer of %(version)s") % {"version": row.prompt_version or row.model},
            "may_read": may_read,
            "may_purge": self.has_delete_permission(request, row),
            "expires": expiry(row),
            "text": text_of(row) if may_read else None,
        }


def text_of(answer: CachedAnswer) -> str | None:
    """What was answered; None where it cannot be read any more."""
    completion = unpack(answer.body) if answer.form == FORM else None
    return None if completion is None else storable(completion.text)


def moment(answer: CachedAnswer) -> str:
    """When it was kept, in the time of whoever looks."""
    return f"{timezone.localtime(answer.created_at):%Y-%m-%d %H:%M}"


def expiry(answer: CachedAnswer) -> str:
    """How long it may still be given."""
    now = timezone.now()
    if answer.expires_at <= now:
        return _("over")
    return _("in %(time)s") % {"time": timeuntil(answer.expires_at, now, depth=1)}

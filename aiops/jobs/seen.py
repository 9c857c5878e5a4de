"""The rows of a model that a person gets in the admin: what runs for somebody reads no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.admin import site as usual_site
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.sites import AdminSite, all_sites
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from aiops.jobs.errors import JobRefused
from aiops.jobs.sources import BadSelection, ModelSource, model_source
from aiops.resources import Plain, source_of

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def rows_seen_by(user: Any, model: type[Model], *, query: str = "", site: AdminSite | None = None) -> QuerySet[Any]:
    """What the model's admin gives to a person; where it has none, all that its source reads, to who may view it.

    Args:
        query: of an address of the model's list, `category__exact=card&q=lost`: only the rows on that list.
        site: the site that is asked; None for whichever has an admin of the model, the usual one first.

    Raises:
        JobRefused: the person may not see the model, or there is no such list.
        BadSelection: the list has no such filter.
    """
    # Of an admin nothing is asked but what its list asks: who it is for, and by which address.
    request = HttpRequest()
    request.method, request.user, request.GET = "GET", user, QueryDict(query)
    request.META |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    admins = list(_admins(model, site))
    allowed = [admin for admin in admins if admin.has_view_permission(request)]
    words = {"user": user, "model": model._meta.label}
    if not allowed and (admins or not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")):
        raise JobRefused(_("%(user)s may not view %(model)s: give the permission, or choose somebody else.") % words)
    if not allowed and query:
        raise JobRefused(_("%(model)s has no list in the admin: choose its rows by filters.") % words)
    if not allowed:
        rows: QuerySet[Any] = source_of(model).source().get_queryset()
        return rows
    admin = allowed[0]
    if not query:
        return admin.get_queryset(request)
    try:
        listed: QuerySet[Any] = admin.get_changelist_instance(request).queryset
    except (IncorrectLookupParameters, DisallowedModelAdminLookup) as error:
        raise BadSelection(
            _("The list of %(model)s has no filter “%(query)s”: open the list, filter it, and take the address anew.")
            % {**words, "query": query}
        ) from error
    return listed


def remade(selection: Mapping[str, Any], user: Any, *, site: AdminSite | None = None) -> ModelSource:
    """The rows that were chosen by the same words or the same list, as they are now.

    Args:
        selection: what a source said of itself (`as_json`).
        user: of whose rows; None for all.

    Raises:
        JobRefused: they were chosen in no such way, or the person may not see them.
        BadSelection, NotRegistered: what was chosen then makes no sense any more.
    """
    if not is_remakeable(selection):
        raise JobRefused(_("These rows were ticked one by one, or came from a file: nothing can be looked for anew."))
    label, query = str(selection["model"]), str(selection.get("list") or "")
    words: dict[str, Any] = {
        "filters": list(selection.get("filters") or ()),
        "order": selection.get("order") or "",
        "limit": selection.get("limit"),
        "empty": selection.get("empty") or "",
    }
    if user is None:
        if query:
            raise JobRefused(_("A list of the admin is somebody's: say whose with --user."))
        return model_source(label, **words)
    found = model_source(label).model
    chosen = rows_seen_by(user, found, query=query, site=site)
    whose = {"seen_by": user.pk, "site": site.name if site else ""}
    return model_source(label, queryset=chosen, also={"list": query} if query else None, **whose, **words)


def is_remakeable(selection: Mapping[str, Plain]) -> bool:
    """Whether rows were chosen by something that may choose others later."""
    return selection.get("kind") == "model" and ("filters" in selection or "list" in selection)


def _admins(model: type[Model], site: AdminSite | None) -> Iterator[ModelAdmin[Any]]:
    """Those of the model itself, then those of its proxies."""
    others = sorted((one for one in all_sites if one is not usual_site), key=lambda one: one.name)
    sites = [site] if site is not None else [usual_site, *others]
    for one in sites:
        if model in one._registry:
            yield one._registry[model]
    for one in sites:
        for kind, admin in one._registry.items():
            if kind is not model and kind._meta.concrete_model is model._meta.concrete_model:
                yield admin

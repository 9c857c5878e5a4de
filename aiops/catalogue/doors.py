"""What a person can do to the catalogue, only ever by a press of a button."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from aiops.catalogue.forms import CardForm, OpinionForm
from aiops.catalogue.models import ModelCard
from aiops.catalogue.sync import sync_models
from aiops.gateway.connections import usable_connections

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin

    CardAdmin = ReadOnlyAdmin[ModelCard]

View = Callable[..., HttpResponse]
WRITE, SYNC = "aiops.change_modelcard", "aiops.add_modelcard"


def sync_view(model_admin: CardAdmin) -> View:
    """Asks the servers, as `manage.py sync_models` does."""

    def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (model_admin.has_view_permission(request) and request.user.has_perm(SYNC)):
            raise PermissionDenied
        usable, wrong = usable_connections()
        for sentence in wrong:
            messages.error(request, sentence)
        for synced in sync_models(usable.values(), now=timezone.now()):
            first, *_details = synced.sentences()
            # The admin writes the first letter of a message large, and an alias is not a sentence.
            said = _("The server of %(sentence)s") % {"sentence": first}
            (messages.warning if synced.problem else messages.success)(request, said)
        return _to(model_admin, "changelist")

    return view


def _door(model_admin: CardAdmin, permission: str, do: Callable[[HttpRequest, ModelCard], HttpResponse]) -> View:
    """A view that does something to one card, by POST, for those who see it and have a permission, if one is named."""

    def view(request: HttpRequest, card_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not model_admin.has_view_permission(request) or (permission and not request.user.has_perm(permission)):
            raise PermissionDenied
        card = model_admin.get_object(request, str(card_id))
        if card is None:
            raise Http404(_("There is no such model."))
        return do(request, card)

    return view


def favourite_view(model_admin: CardAdmin) -> View:
    """The star in the list: a favourite of mine or not, and back to the list as it was."""

    def star(request: HttpRequest, card: ModelCard) -> HttpResponse:
        card.opine(request.user, favourite=request.POST.get("favourite") == "1")
        back = request.META.get("HTTP_REFERER", "")
        if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
            return HttpResponseRedirect(back)
        return _to(model_admin, "changelist")

    return _door(model_admin, "", star)


def opine_view(model_admin: CardAdmin) -> View:
    """My star and my rating."""

    def opine(request: HttpRequest, card: ModelCard) -> HttpResponse:
        form = OpinionForm(request.POST)
        if not form.is_valid():
            return model_admin.page(request, card, {"opinion": form})
        card.opine(request.user, **form.cleaned_data)
        messages.success(request, _("Your opinion of %(model)s was kept.") % {"model": card.model})
        return _to(model_admin, "change", card.pk)

    return _door(model_admin, "", opine)


def write_view(model_admin: CardAdmin) -> View:
    """Title, note, and who may use it."""

    def write(request: HttpRequest, card: ModelCard) -> HttpResponse:
        form: Any = CardForm(request.POST, instance=card)
        if not form.is_valid():
            return model_admin.page(request, card, {"written": form})
        # Not the whole row: the facts may have been renewed since this page was opened.
        ModelCard.objects.filter(pk=card.pk).update(title=card.title, note=card.note)
        card.allow(form.cleaned_data["groups"])
        model_admin.log_change(request, card, model_admin.construct_change_message(request, form, []))
        messages.success(request, _("%(model)s was changed.") % {"model": card})
        return _to(model_admin, "change", card.pk)

    return _door(model_admin, WRITE, write)


def _to(model_admin: CardAdmin, name: str, *args: Any) -> HttpResponse:
    site = model_admin.admin_site.name
    return HttpResponseRedirect(reverse(f"admin:aiops_modelcard_{name}", args=args, current_app=site))

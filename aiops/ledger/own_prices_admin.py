"""The pages of own prices: what holds now, what is to come, what is over."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.ledger.own_prices import RATES, OwnPrice
from aiops.lists import ModelAdmin
from aiops.templatetags.aiops_format import marked


@admin.register(OwnPrice)
class OwnPriceAdmin(ModelAdmin[OwnPrice]):
    """Prices go before those of the price data; the calls that were made keep theirs."""

    change_list_template = "admin/aiops/ownprice/change_list.html"
    change_form_template = "admin/aiops/ownprice/change_form.html"
    list_display = (
        "model",
        "of_connection",
        "tier",
        "state",
        "starts_at",
        "until",
        "of_input",
        "of_output",
        "of_hour",
        "note",
    )
    search_fields = ("model", "connection", "note")
    search_help_text = gettext_lazy("A part of its model, its connection or its note.")
    show_full_result_count = False
    save_as = True
    fieldsets = (
        (None, {"fields": ("model", "connection", "tier", ("starts_at", "ends_at"), "note")}),
        (gettext_lazy("Rates in dollars"), {"fields": RATES}),
    )

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("aiops/aiops.css",)}

    @admin.display(description=gettext_lazy("connection"), ordering="connection")
    def of_connection(self, price: OwnPrice) -> str:
        return price.connection or _("every one")

    @admin.display(description=gettext_lazy("state"))
    def state(self, price: OwnPrice) -> SafeString:
        now = timezone.now()
        if price.starts_at > now:
            return marked("pending", _("to come"))
        if price.ends_at is not None and price.ends_at <= now:
            return marked("finished", _("over"))
        return marked("running", _("holds"))

    @admin.display(description=gettext_lazy("until"), ordering="ends_at", empty_value="–")
    def until(self, price: OwnPrice) -> datetime | None:
        return price.ends_at

    @admin.display(description=gettext_lazy("input"))
    def of_input(self, price: OwnPrice) -> str:
        return _rate(price.input_tokens)

    @admin.display(description=gettext_lazy("output"))
    def of_output(self, price: OwnPrice) -> str:
        return _rate(price.output_tokens)

    @admin.display(description=gettext_lazy("an hour"))
    def of_hour(self, price: OwnPrice) -> str:
        return _rate(price.server_hour)


def _rate(dollars: Decimal | None) -> str:
    return "–" if dollars is None else f"${dollars.normalize():,f}"

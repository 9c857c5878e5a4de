"""The pages of budgets: caps in dollars, and what each period has come to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aiops.ledger.models import Budget, BudgetPeriod
from aiops.ledger.money import dollars, to_dollars, to_nanos
from aiops.ledger.periods import change_cap, unfreeze
from aiops.lists import ModelAdmin, TabularInline
from aiops.templatetags.aiops_format import marked

NEWEST = 30
"""Periods on the page of their budget."""

MOST = Decimal(1_000_000_000)
"""Dollars: in nano-dollars, a ninth of what the column can hold."""


class DollarsField(forms.DecimalField):
    """Dollars to the nano-dollar, written without the zeros that these end in."""

    def prepare_value(self, value: Any) -> Any:
        """The text in the field; what was typed stays as it is."""
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A budget as people write it: in dollars."""

    cap_in_dollars = DollarsField(
        label=gettext_lazy("Cap in dollars"),
        min_value=Decimal(0),
        max_value=MOST,
        decimal_places=9,
        max_digits=19,
        help_text=gettext_lazy("The most that may be spent in one period. A new cap holds for the present period too."),
    )

    class Meta:
        model = Budget
        fields = ("name", "scope", "renewal", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["cap_in_dollars"] = to_dollars(self.instance.cap)

    def clean_renewal(self) -> str:
        """Keep the renewal once there is a period: it runs to its end whatever the budget says.

        Raises:
            ValidationError: it would change.
        """
        renewal: str = self.cleaned_data["renewal"]
        if "renewal" in self.changed_data and self.instance.pk and self.instance.periods.exists():
            raise forms.ValidationError(
                _("Money was counted by the present renewal already: switch this budget off and make another one.")
            )
        return renewal

    @property
    def cap(self) -> int:
        """Nano-dollars."""
        return to_nanos(self.cleaned_data["cap_in_dollars"])


class NewestPeriods(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The periods that people look at: a budget renewed each day has a thousand in three years."""

    def get_queryset(self) -> QuerySet[BudgetPeriod]:
        """Asked for many times by the forms, and kept after the first."""
        if not hasattr(self, "_newest"):
            self._newest: QuerySet[BudgetPeriod] = super().get_queryset()[:NEWEST]
        return self._newest


class PeriodInline(TabularInline):
    """What the periods have come to; only the machine writes them."""

    model = BudgetPeriod
    formset = NewestPeriods
    verbose_name_plural = format_lazy(gettext_lazy("periods, the newest {n}"), n=NEWEST)
    fields = ("starts_at", "ends_at", "shown_cap", "shown_settled", "shown_held", "shown_left", "state")
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ("-starts_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BudgetPeriod]:
        """With the budget, which is a part of a period's name."""
        return super().get_queryset(request).select_related("budget")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see the budget may see its periods."""
        return bool(request.user.has_perm("aiops.view_budget") or request.user.has_perm("aiops.change_budget"))

    @admin.display(description=gettext_lazy("cap"))
    def shown_cap(self, period: BudgetPeriod) -> str:
        return dollars(period.cap)

    @admin.display(description=gettext_lazy("spent"))
    def shown_settled(self, period: BudgetPeriod) -> str:
        return dollars(period.settled)

    @admin.display(description=gettext_lazy("set aside"))
    def shown_held(self, period: BudgetPeriod) -> str:
        return dollars(period.held)

    @admin.display(description=gettext_lazy("left"))
    def shown_left(self, period: BudgetPeriod) -> str:
        return dollars(period.left)

    @admin.display(description=gettext_lazy("state"))
    def state(self, period: BudgetPeriod) -> SafeString | str:
        if not period.frozen:
            return _("open") if is_current(period) else _("over")
        return format_html("{} {}", marked("frozen", _("frozen")), period.frozen_because)


@admin.register(Budget)
class BudgetAdmin(ModelAdmin[Budget]):
    """Budgets: a person sets the cap, the ledger keeps to it."""

    form = BudgetForm
    inlines = (PeriodInline,)
    fields = ("name", "scope", "cap_in_dollars", "renewal", "active")
    list_display = ("name", "scope", "renewal", "shown_cap", "spent", "left", "active", "state")
    change_list_template = "admin/aiops/budget/change_list.html"
    change_form_template = "admin/aiops/budget/change_form.html"
    actions = ("let_go_on",)
    sortable_by = ("name",)
    show_full_result_count = False

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("aiops/aiops.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        present = BudgetPeriod.objects.under_way(timezone.now())
        return super().get_queryset(request).prefetch_related(Prefetch("periods", present, to_attr="present"))

    @admin.display(description=gettext_lazy("cap"))
    def shown_cap(self, budget: Budget) -> str:
        return dollars(budget.cap)

    @admin.display(description=gettext_lazy("spent this period"))
    def spent(self, budget: Budget) -> str:
        period = period_of(budget)
        return dollars(period.settled if period else 0)

    @admin.display(description=gettext_lazy("left"))
    def left(self, budget: Budget) -> str:
        period = period_of(budget)
        return dollars(period.left if period else budget.cap)

    @admin.display(description=gettext_lazy("state"))
    def state(self, budget: Budget) -> SafeString | str:
        period = period_of(budget)
        if period is not None and period.frozen:
            return marked("frozen", _("frozen"))
        return _("open") if budget.active else _("switched off")

    def save_model(self, request: HttpRequest, obj: Budget, form: BudgetForm, change: bool) -> None:
        """Save, and take a new cap into the present period."""
        if not change:
            obj.cap = form.cap
        super().save_model(request, obj, form, change)
        if change and "cap_in_dollars" in form.changed_data:
            change_cap(obj, form.cap, now=timezone.now())

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The history says from what cap to what."""
        if add or "cap_in_dollars" not in form.changed_data:
            return super().construct_change_message(request, form, formsets, add)
        others = [name for name in form.changed_data if name != "cap_in_dollars"]
        message = _("Changed the cap from %(before)s to %(after)s.") % {
            "before": f"${form.initial['cap_in_dollars'].normalize():,f}",
            "after": f"${form.cleaned_data['cap_in_dollars'].normalize():,f}",
        }
        return " ".join([message, _("Changed %(fields)s.") % {"fields": ", ".join(others)}] if others else [message])

    @admin.action(description=gettext_lazy("Unfreeze selected budgets"), permissions=["change"])
    def let_go_on(self, request: HttpRequest, queryset: QuerySet[Budget]) -> None:
        """Let frozen budgets be spent from again, and write who did it into their history."""
        freed = 0
        for budget in queryset:
            if n := unfreeze(budget, now=timezone.now()):
                freed += n
                self.log_change(request, budget, _("Unfrozen."))
        if freed:
            text = ngettext("%(n)s budget is open again.", "%(n)s budgets are open again.", freed) % {"n": freed}
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, _("None of them is frozen."), messages.INFO)


def is_current(period: BudgetPeriod) -> bool:
    """Whether calls of now count against it."""
    now = timezone.now()
    return period.starts_at <= now and (period.ends_at is None or period.ends_at > now)


def period_of(budget: Any) -> BudgetPeriod | None:
    """The present period; None where nothing was spent in it yet."""
    return next(iter(budget.present), None)

"""The pages of budgets: caps in dollars, and what each period has come to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Subquery, Sum
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
from aiops.ledger.scopes import Scope, key_of, names_of
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

    of = forms.CharField(
        label=gettext_lazy("Of which"),
        required=False,
        max_length=255,
        help_text=gettext_lazy(
            "Alias of the connection, name of the prompt, user or group, number of the job. "
            "Empty: each of them has so much of its own."
        ),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        choices=lambda: [("", _("that of the site")), *((name, name) for name in sorted(available_timezones()))],
        help_text=gettext_lazy("Where its days begin."),
    )

    class Meta:
        model = Budget
        fields = ("name", "scope", "renewal", "time_zone", "warn_at", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["cap_in_dollars"] = to_dollars(self.instance.cap)
            self.initial["of"] = self._named()

    def _named(self) -> str:
        budget = self.instance
        return budget.subject if budget.scope == Scope.JOB else names_of(budget.scope, [budget.subject])[budget.subject]

    def clean(self) -> dict[str, Any]:
        """What is counted, and how long, stays once there is a period: it runs to its end whatever the budget says."""
        super().clean()
        for name in ("scope", "of", "renewal", "time_zone"):
            if name in self.changed_data and self.instance.pk and self.instance.periods.exists():
                self.add_error(
                    name, _("Money was counted by what it was already: switch this budget off and make another one.")
                )
        of = self.cleaned_data.get("of", "").strip()
        try:
            self.instance.subject = key_of(self.cleaned_data.get("scope", ""), of) if of else ""
        except ValueError as error:
            self.add_error("of", str(error))
        return self.cleaned_data

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
            names = names_of(self.instance.scope, {period.subject for period in self._newest})
            for period in self._newest:
                period.whose = names[period.subject]
        return self._newest


class PeriodInline(TabularInline):
    """What the periods have come to; only the machine writes them."""

    model = BudgetPeriod
    formset = NewestPeriods
    verbose_name_plural = format_lazy(gettext_lazy("periods, the newest {n}"), n=NEWEST)
    fields = ("starts_at", "ends_at", "whose", "shown_cap", "shown_settled", "shown_held", "shown_left", "state")
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ("-starts_at", "-settled")

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

    @admin.display(description=gettext_lazy("of which"))
    def whose(self, period: BudgetPeriod) -> str:
        return period.whose or "–"

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
            if not is_current(period):
                return _("over")
            return marked("paused", _("nearly spent")) if period.warned_at else _("open")
        return format_html("{} {}", marked("frozen", _("frozen")), period.frozen_because)


class BudgetChangeList(ChangeList):
    """The list of budgets, with what people call their subjects: one query for each scope."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for scope in {budget.scope for budget in self.result_list}:
            budgets = [budget for budget in self.result_list if budget.scope == scope]
            names = names_of(scope, {budget.subject for budget in budgets})
            for budget in budgets:
                budget.whose = names[budget.subject]


@admin.register(Budget)
class BudgetAdmin(ModelAdmin[Budget]):
    """Budgets: a person sets the cap, the ledger keeps to it."""

    form = BudgetForm
    inlines = (PeriodInline,)
    fields = ("name", "scope", "of", "cap_in_dollars", "warn_at", "renewal", "time_zone", "active")
    list_display = ("name", "counts", "renewal", "shown_cap", "spent", "left", "active", "state")
    change_list_template = "admin/aiops/budget/change_list.html"
    change_form_template = "admin/aiops/budget/change_form.html"
    actions = ("let_go_on",)
    list_filter = ("scope", "active")
    sortable_by = ("name",)
    show_full_result_count = False

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("aiops/aiops.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BudgetChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        present = (
            BudgetPeriod.objects.under_way(timezone.now()).filter(budget=OuterRef("pk")).order_by().values("budget")
        )
        return (
            super()
            .get_queryset(request)
            .annotate(
                present_settled=Subquery(present.annotate(all=Sum("settled")).values("all")),
                present_fullest=Subquery(present.annotate(all=Max(F("settled") + F("held"))).values("all")),
                present_frozen=Exists(present.filter(frozen=True)),
                present_warned=Exists(present.filter(warned_at__isnull=False)),
            )
        )

    @admin.display(description=gettext_lazy("counts"))
    def counts(self, budget: Any) -> str:
        """What of all calls it counts."""
        scope = budget.get_scope_display()
        if budget.scope == Scope.EVERYTHING:
            return str(scope)
        return f"{scope}: {budget.whose}" if budget.subject else _("%(scope)s, each for itself") % {"scope": scope}

    @admin.display(description=gettext_lazy("cap"))
    def shown_cap(self, budget: Budget) -> str:
        return dollars(budget.cap)

    @admin.display(description=gettext_lazy("spent this period"))
    def spent(self, budget: Any) -> str:
        return dollars(budget.present_settled or 0)

    @admin.display(description=gettext_lazy("left"))
    def left(self, budget: Any) -> str:
        """Of the one that has least, where each has its own."""
        left = dollars(budget.cap - (budget.present_fullest or 0))
        is_shared = budget.subject or budget.scope == Scope.EVERYTHING
        return left if is_shared else _("at least %(left)s each") % {"left": left}

    @admin.display(description=gettext_lazy("state"))
    def state(self, budget: Any) -> SafeString | str:
        if budget.present_frozen:
            return marked("frozen", _("frozen"))
        if budget.active and budget.present_warned:
            return marked("paused", _("nearly spent"))
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

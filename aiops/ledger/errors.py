"""Why money was not set aside.

LedgerError
├── BudgetRefused        no room, or frozen: a person with the right to may raise the cap
└── UnpricedModel        nobody knows what it costs, so no budget can hold for it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from aiops.ledger.money import dollars

if TYPE_CHECKING:
    from aiops.ledger.models import BudgetPeriod


class LedgerError(Exception):
    """`str(error)` is one sentence with the remedy."""

    kind = "ledger"


class BudgetRefused(LedgerError):
    kind = "budget"

    def __init__(self, period: BudgetPeriod, wanted: int) -> None:
        name = period.title
        if period.frozen:
            text = _("The budget “%(name)s” is frozen: %(why)s") % {"name": name, "why": period.frozen_because}
        else:
            text = _("The budget “%(name)s” has %(left)s left, and this may cost %(wanted)s; %(renewal)s") % {
                "name": name,
                "left": dollars(max(0, period.left)),
                "wanted": dollars(wanted),
                "renewal": _renewal(period),
            }
        super().__init__(text)
        self.period = period
        self.wanted = wanted


class UnpricedModel(LedgerError):
    kind = "unpriced"

    def __init__(self, model: str, connection: str) -> None:
        super().__init__(
            _(
                "Nobody knows what “%(model)s” costs on “%(connection)s”, so no budget can hold for it: "
                "choose another model, give it an own price, or mark the connection FREE where calls cost nothing."
            )
            % {"model": model, "connection": connection}
        )


def _renewal(period: BudgetPeriod) -> str:
    if period.ends_at is None:
        return _("it is never renewed: raise its cap to go on.")
    when = formats.date_format(timezone.localtime(period.ends_at), "DATETIME_FORMAT")
    return _("it is renewed on %(when)s, or raise its cap.") % {"when": when}

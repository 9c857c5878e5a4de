"""What of a job is under way: what stopping it now would throw away."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Hold
from aiops.ledger.money import dollars


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Calls that were sent, or are about to be, at one moment."""

    count: int

    held: int
    """Nano-dollars that are set aside for them; 0 where no budget counts them."""

    def sentence(self) -> str:
        """For people, before they throw them away."""
        if not self.count:
            return _("No call is under way.")
        text = ngettext(
            "About %(n)s call is under way: its answer is paid for and thrown away.",
            "About %(n)s calls are under way: their answers are paid for and thrown away.",
            self.count,
        ) % {"n": f"{self.count:,}"}
        if not self.held:
            return text
        return f"{text} " + _("Their budgets are charged %(most)s for them at most.") % {"most": dollars(self.held)}


def under_way(job: Job) -> UnderWay:
    """What is under way of a job, but for its batches: these are the provider's."""
    claimed = job.items.filter(status=Item.Status.CLAIMED).order_by().values("pk")
    calls = Call.objects.open().filter(batch_id=None, item_id__in=claimed).order_by()
    held = Hold.objects.filter(state=Hold.State.HELD, call_id__in=calls.values("pk")).order_by()
    # Each of several budgets holds the same money.
    amounts = held.values("call_id", "attempt").annotate(most=Max("amount")).values_list("most", flat=True)
    return UnderWay(calls.count(), sum(amounts))

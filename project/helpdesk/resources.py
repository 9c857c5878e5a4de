"""Which fields of a ticket a prompt may read, and which it may fill."""

from __future__ import annotations

from import_export.resources import ModelResource

from aiops.resources import register
from project.helpdesk.models import Ticket


class TicketSource(ModelResource):  # type: ignore[misc]
    """What may leave the building: what the customer wrote, nothing else."""

    class Meta:
        model = Ticket
        fields = ("subject", "text")


class TicketTarget(ModelResource):  # type: ignore[misc]
    """What an accepted answer may fill."""

    class Meta:
        model = Ticket
        fields = ("id", "category", "priority", "language")
        clean_model_instances = True
        skip_unchanged = True
        skip_diff = False


register(Ticket, source=TicketSource, target=TicketTarget)

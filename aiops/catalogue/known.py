"""What is known here of a model, without asking anybody: its name for people, its limits, its abilities, its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from aiops.gateway.connections import Connection
from aiops.gateway.model_abilities import Ability, abilities_of, most_output_of
from aiops.gateway.model_ends import end_of
from aiops.ledger.prices import FREE, Price, price_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Facts of one model over one connection."""

    title: str
    """Empty where nobody knows one."""

    description: str
    context_limit: int | None
    """Tokens; None: unknown."""

    output_limit: int | None
    """Tokens; None: unknown."""

    abilities: frozenset[Ability]
    priced: bool
    ends_on: date | None
    successor: str

    def as_fields(self) -> dict[str, object]:
        """The fields of a card, but for the title, which people may have written."""
        names = [ability for ability in Ability if ability in self.abilities]
        return {
            "description": self.description,
            "abilities": f",{','.join(names)}," if names else "",
            "context_limit": self.context_limit,
            "output_limit": self.output_limit,
            "priced": self.priced,
            "ends_on": self.ends_on,
            "successor": self.successor,
        }


def known_of(connection: Connection, model: str, *, shut_down: date | None = None, now: datetime) -> Known:
    """All that is known of a model.

    Args:
        shut_down: the day that its server names, which may know better than the data here.
    """
    title, description, context_limit = _described(connection.provider, model)
    end = end_of(connection, model)
    return Known(
        title=title,
        description=description,
        context_limit=context_limit,
        output_limit=most_output_of(connection, model),
        abilities=abilities_of(connection, model),
        priced=price_for(connection, model, now) is not None,
        ends_on=shut_down or (end.day if end else None),
        successor=end.successor if end else "",
    )


def price_for(connection: Connection, model: str, now: datetime) -> Price | None:
    """What a model costs; None where nobody knows. Moderation is looked at for nothing."""
    if Ability.MODERATION in abilities_of(connection, model):
        return FREE
    return price_of(connection, model, now)


@lru_cache(maxsize=4096)
def _described(provider: str, model: str) -> tuple[str, str, int | None]:
    """Name, description and context, as the price data has them; it is loaded only where it is wanted."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return "", "", None
    return (found.name or "")[:200], found.description or "", found.context_window

"""A card in words: abilities, what the model takes and rejects, its price, its end."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aiops.catalogue.known import price_for
from aiops.catalogue.models import ModelCard
from aiops.gateway.connections import Connection, ConnectionProblem, get_connection
from aiops.gateway.model_abilities import Ability
from aiops.gateway.model_ends import NOTICE
from aiops.gateway.model_rules import SAMPLING, rules_of
from aiops.ledger.money import dollars
from aiops.ledger.prices import Price
from aiops.options import InvalidOption
from aiops.templatetags.aiops_format import count, marked

WORDS = {
    Ability.TEXT: gettext_lazy("text"),
    Ability.IMAGES: gettext_lazy("images in"),
    Ability.AUDIO_IN: gettext_lazy("audio in"),
    Ability.AUDIO_OUT: gettext_lazy("audio out"),
    Ability.EMBEDDINGS: gettext_lazy("embeddings"),
    Ability.TRANSCRIPTION: gettext_lazy("transcription"),
    Ability.SPEECH: gettext_lazy("speech"),
    Ability.MODERATION: gettext_lazy("moderation"),
    Ability.REASONING: gettext_lazy("reasoning"),
    Ability.STRUCTURED: gettext_lazy("structured output"),
    Ability.TOOLS: gettext_lazy("tools"),
    Ability.LOGPROBS: gettext_lazy("logprobs"),
    Ability.STREAMING: gettext_lazy("streaming"),
    Ability.DECISIONS: gettext_lazy("decisions"),
}

BUCKETS = {
    "input_tokens": (gettext_lazy("read"), ""),
    "cached_tokens": (gettext_lazy("read from the provider's cache"), "input_tokens"),
    "cache_write_tokens": (gettext_lazy("written to the provider's cache"), "input_tokens"),
    "input_image_tokens": (gettext_lazy("images read"), "input_tokens"),
    "input_audio_tokens": (gettext_lazy("audio read"), ""),
    "output_tokens": (gettext_lazy("answered"), ""),
    "output_audio_tokens": (gettext_lazy("audio answered"), ""),
}
"""Field of `Usage` → what is billed so, and the bucket without whose own price it is not worth a line."""


def connection_of(card: ModelCard) -> Connection | None:
    """The card's connection; None where the settings have it no more."""
    with suppress(ConnectionProblem, InvalidOption):
        return get_connection(card.connection)
    return None


def can_do(card: ModelCard) -> str:
    """`text, images in, tools`; unknown where nobody knows."""
    can = card.can_do
    return ", ".join(str(words) for ability, words in WORDS.items() if ability in can) or _("unknown")


def state_of(card: ModelCard, today: date) -> SafeString:
    """Whether it is there, ends soon, or is gone."""
    if card.is_over(today):
        return marked("stopped", _("gone") if card.gone_at else _("ended"))
    if card.ends_on is not None and card.ends_on <= today + NOTICE:
        days = (card.ends_on - today).days
        return marked("failed", ngettext("ends in %(n)s day", "ends in %(n)s days", days) % {"n": days})
    if card.last_seen_at is None:
        return marked("unknown", _("not listed"))
    return marked("succeeded", _("there"))


def takes(card: ModelCard) -> list[str]:
    """What the model takes and rejects, a sentence each."""
    connection = connection_of(card)
    if connection is None:
        return [_("The settings have this connection no more: it cannot be asked.")]
    if connection.provider not in ("openai", "azure"):
        return [_("Nothing is known of its parameters: it is sent what it is given.")]
    if Ability.TEXT not in card.can_do:
        return []
    rules, names = rules_of(connection, card.model), ", ".join(sorted(SAMPLING))
    limit = "max_output_tokens" if connection.api == "responses" else connection.output_limit_parameter
    told = [_("The greatest length of an answer is sent as %(name)s.") % {"name": limit}]
    if not rules.reasons:
        return [_("Takes %(names)s.") % {"names": names}, *told]
    if rules.may_not_reason:
        return [_('Takes %(names)s with reasoning_effort="none" only.') % {"names": names}, *told]
    return [_("Rejects %(names)s: it always reasons.") % {"names": names}, *told]


def price_now(card: ModelCard, now: datetime) -> Price | None:
    """What it costs; None where nobody knows."""
    connection = connection_of(card)
    return None if connection is None else price_for(connection, card.model, now)


def price_in_short(price: Price | None) -> str:
    """`$0.10 / $0.40`, for a million tokens read and answered."""
    if price is None:
        return _("unknown")
    if price.is_free:
        return _("free")
    if price.an_hour:
        return _("%(dollars)s an hour of the server") % {"dollars": dollars(price.an_hour)}
    lengths = _by_length(price)
    if lengths:
        return " ".join(reversed(lengths[0]))
    shown = [_dollars(price.rates[name][0][1]) for name in ("input_tokens", "output_tokens") if name in price.rates]
    return " / ".join(shown) or _("unknown")


def price_lines(price: Price | None) -> list[tuple[str, str]]:
    """What is billed, and dollars for a million tokens of it, a line for each step."""
    if price is None or price.is_free:
        return []
    lines = _by_length(price)
    for name, (label, like) in BUCKETS.items():
        rate = price.rates.get(name)
        if rate is None or rate == price.rates.get(like):
            continue
        for start, nanos in rate:
            beyond = _("%(what)s, beyond %(n)s tokens of input") % {"what": label, "n": count(start)} if start else ""
            lines.append((beyond or str(label), _dollars(nanos)))
    return lines


def _by_length(price: Price) -> list[tuple[str, str]]:
    lines = []
    if "input_audio_ms" in price.rates:
        lines.append((_("an hour of audio"), _dollars(price.rates["input_audio_ms"][0][1] * HOUR)))
    if "input_characters" in price.rates:
        lines.append((_("a million characters"), _dollars(price.rates["input_characters"][0][1])))
    return lines


HOUR = Decimal("3.6")
"""A million milliseconds in an hour."""


def _dollars(nanos: Decimal) -> str:
    """Nano-dollars for one as dollars for a million, exactly: `$0.10`, `$0.0125`, `$15.00`."""
    amount = nanos / 1000
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"${amount:,.{min(places, 6)}f}"

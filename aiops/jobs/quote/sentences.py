"""A quote in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.quote.each import Basis
from aiops.ledger.money import dollars
from aiops.templatetags.aiops_format import count, seconds

if TYPE_CHECKING:
    from aiops.jobs.quote.quote import Quote


def sentences_of(quote: Quote) -> list[str]:
    """The same words on every screen and terminal."""
    said = [
        _rows(quote),
        _tokens(quote),
        _cost(quote),
        _time(quote),
        _batch(quote),
        _answered(quote),
        _unmeasured(quote),
    ]
    if quote.sample.unfit:
        said.append(quote.sample.warning(whole=quote.sample.rows >= quote.rows))
    return [sentence for sentence in said if sentence]


def _rows(quote: Quote) -> str:
    if quote.unique_rows is None:
        return quote.source_text
    words = {"rows": quote.source_text, "unique": count(quote.unique_rows)}
    if quote.unique_rows + quote.sample.unfit < quote.rows:
        return _("%(rows)s, %(unique)s unique: identical ones are asked once") % words
    return _("%(rows)s, %(unique)s unique") % words


def _tokens(quote: Quote) -> str:
    read, written = quote.tokens_in, quote.tokens_out
    words = {
        "in": count(read.high if read.likely is None else read.likely),
        "in_low": count(read.low),
        "in_high": count(read.high),
        "low": count(written.low),
        "high": count(written.high),
    }
    if quote.basis == Basis.COUNTED:
        return _("%(in)s tokens in, counted, and %(low)s to %(high)s out") % words
    if quote.basis == Basis.MEASURED:
        return _("%(in)s tokens in, measured (%(in_low)s to %(in_high)s), and %(low)s to %(high)s out") % words
    return _("%(in)s tokens in, estimated (%(in_low)s to %(in_high)s), and %(low)s to %(high)s out") % words


def _cost(quote: Quote) -> str:
    cost = quote.cost
    if cost is None and quote.is_by_time:
        text = _("at a cost that nobody knows: %(model)s costs by the hour, and too few answers say how long one takes")
        return text % {"model": quote.model}
    if cost is None:
        return _("at a cost that nobody knows on %(model)s") % {"model": quote.model}
    words = {"low": dollars(cost.low), "high": dollars(cost.high), "likely": dollars(cost.likely), "model": quote.model}
    if cost.high == 0:
        return _("free on %(model)s") % words
    if cost.likely is None:
        return _("between %(low)s and %(high)s on %(model)s") % words
    return _("between %(low)s and %(high)s on %(model)s, likely %(likely)s") % words


def _time(quote: Quote) -> str:
    if quote.in_batches:
        return _("in batches, answered within a day")
    if quote.pace is None:
        return ""
    words = {"time": seconds(math.ceil(quote.pace.seconds))}
    if quote.pace.is_least:
        return _("at least %(time)s: the limits let no more through") % words
    return _("about %(time)s at the present limits, if nothing else runs") % words


def _batch(quote: Quote) -> str:
    if quote.batch is None or not quote.batch.high:
        return ""
    words = {"low": dollars(quote.batch.low), "high": dollars(quote.batch.high)}
    return _("by the provider's price for batches, answered within a day: between %(low)s and %(high)s") % words


def _answered(quote: Quote) -> str:
    if not quote.answered:
        return ""
    if quote.is_given_again:
        text = ngettext(
            "%(n)s of the %(rows)s rows looked at was answered by this version before: "
            "it may get that answer, for nothing",
            "%(n)s of the %(rows)s rows looked at were answered by this version before: "
            "they may get that answer, for nothing",
            quote.answered,
        )
    else:
        text = ngettext(
            "%(n)s of the %(rows)s rows looked at was answered by this version before, and is asked again",
            "%(n)s of the %(rows)s rows looked at were answered by this version before, and are asked again",
            quote.answered,
        )
    return text % {"n": count(quote.answered), "rows": count(quote.sample.rows)}


def _unmeasured(quote: Quote) -> str:
    if quote.past or not quote.cost or not quote.cost.high:
        return ""
    return _("how long the answers will be nobody knows yet: try some rows first, and the rest is quoted by them")

"""Detectors of what can be known by its form alone: each is exact, quick, and needs no model.

`AIOPS["REDACT"]` names them by these paths: `aiops.redaction.detectors.emails`. All take time in proportion to the
text, whatever is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiops.redaction.detectors.card import cards
from aiops.redaction.detectors.email import emails
from aiops.redaction.detectors.iban import ibans
from aiops.redaction.detectors.ip_address import ip_addresses
from aiops.redaction.detectors.secret import secrets
from aiops.redaction.detectors.url import logins_in_urls

if TYPE_CHECKING:
    from aiops.redaction.detectors.phone import Phones, phones

__all__ = ["Phones", "cards", "emails", "ibans", "ip_addresses", "logins_in_urls", "phones", "secrets"]


def __getattr__(name: str) -> Any:
    # These need the extra `phones`; the others must do without.
    if name in {"Phones", "phones"}:
        from aiops.redaction.detectors import phone

        return getattr(phone, name)
    raise AttributeError(name)

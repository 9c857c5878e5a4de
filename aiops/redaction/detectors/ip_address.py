"""Addresses of machines, and so of the people at them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiops.redaction.found import Found

# Beginning with what is rare in a text, these are found much quicker than with what may stand before it.
_V4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3,}+")
_TWO_COLONS = re.compile(":[0-9A-Fa-f]{0,4}:")
_V6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:.]++(?!\w)", re.ASCII)
LONGEST = len("0000:0000:0000:0000:0000:ffff:255.255.255.255")


def ip_addresses(text: str) -> Iterator[Found]:
    """`203.0.113.7` and `2001:db8::7`. Kind: `ip`."""
    for match in _V4.finditer(text):
        start, end = match.span()
        if not _goes_on(text[start - 1 : start]) and not _goes_on(text[end : end + 1]) and _parsed(match[0]):
            yield Found(start, end, "ip")
    if not _TWO_COLONS.search(text):
        return
    for match in _V6.finditer(text):
        # A sentence may end after it, or go on.
        address = match[0].rstrip(".")
        address = address if address.endswith("::") else address.rstrip(".:")
        if address.count(":") >= 2 and len(address) <= LONGEST and (parsed := _parsed(address)) and int(parsed):
            yield Found(match.start(), match.start() + len(address), "ip")


def _goes_on(neighbour: str) -> bool:
    """Whether it is part of something longer: of a name, a version, a decimal."""
    return neighbour.isalnum() or neighbour == "_"


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None

"""Names and passwords inside of addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

# The slash ends it, so that no part of a text is read twice.
_LOGIN = re.compile(r"""://([^\s/?#"'<>]++)""")


def logins_in_urls(text: str) -> Iterator[Found]:
    """`shop:s3cret` of `postgres://shop:s3cret@db.example.com/shop`. Kind: `login`."""
    if "://" not in text:
        return
    for match in _LOGIN.finditer(text):
        # A password may hold an @ that nobody escaped.
        login = match[1].rpartition("@")[0]
        if login:
            yield Found(match.start(1), match.start(1) + len(login), "login")

"""Walks through the site by its links, and asks each page whom it leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page

OURS = re.compile(r"^/admin/(aiops|prompts|helpdesk)?(/|$)")
ACTS = re.compile(r"/(results\.\w+|export|import|history|delete)/|[?&](e|_popup)=")


COMPLAINTS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def complaints(page: Page) -> list[str]:
    """What is wrong with the page that is open, for those who cannot see it well, or have no mouse."""
    found: list[str] = page.evaluate(COMPLAINTS)
    return found


def walk(page: Page) -> Iterator[str]:
    """Opens one page of each kind that links lead to, from the index on; gives its address while it is open."""
    waiting, seen = ["/admin/"], set()
    while waiting:
        address = waiting.pop(0)
        # Pages that differ by a key, or by what is filtered, are of one kind.
        kind = re.sub(r"/([0-9a-f]{8}-[0-9a-f-]+|\d+)/", "/N/", urlsplit(address).path)
        if kind in seen:
            continue
        seen.add(kind)
        page.goto(address)
        waiting += [link for link in page.evaluate(LINKS) if OURS.match(link) and not ACTS.search(link)]
        yield address


LINKS = """() => [...document.querySelectorAll("#content a[href], #nav-sidebar a[href]")]
    .filter(link => link.origin === location.origin && !link.hasAttribute("download"))
    .map(link => link.pathname + link.search)"""

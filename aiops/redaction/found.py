"""What a detector finds, and what is made of the findings of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from aiops.redaction.errors import DetectorFailed, InvalidDetector


@dataclass(frozen=True, slots=True)
class Found:
    """Something in a text that may not leave the building."""

    start: int
    """Position of its first character."""

    end: int
    """Position after its last character."""

    kind: str
    """What it is, in small letters: `email`, `iban`, `person`. The model is told: `[EMAIL_1]`."""


Detector = Callable[[str], Iterable[Found]]
"""Says where in a text something stands. It must be exact about positions, quick, and may be called by several threads.

One that is an object may have a method `check()`, which `manage.py check` calls and which raises `InvalidDetector`
where it could not do its work.
"""

KIND = re.compile("[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def findings(text: str, detectors: Sequence[Detector]) -> tuple[Found, ...]:
    """What all detectors find, in order and apart from one another.

    Findings that overlap become one that covers them all, of the kind of the longest; among equals the detector that is
    named first counts. So whatever was found is covered, and the same text always gives the same.

    Raises:
        DetectorFailed: one raised, or found what cannot be there.
        InvalidDetector: one cannot work as it is set up.
    """
    found = [
        (one.start, one.start - one.end, order, one)
        for order, detector in enumerate(detectors)
        for one in _asked(detector, text)
    ]
    if len(found) < 2:
        return tuple(one for *_, one in found)
    found.sort(key=lambda entry: entry[:3])
    return tuple(_merged(entry[-1] for entry in found))


def name_of(detector: Detector) -> str:
    """How a detector is named to people."""
    named = detector if hasattr(detector, "__qualname__") else type(detector)
    return f"{named.__module__}.{named.__qualname__}"


def _asked(detector: Detector, text: str) -> list[Found]:
    # Raised outside of the handler: an error raised within it would carry the first one along, and with it the text.
    try:
        found = list(detector(text))
        complaint = _complaint(found, len(text))
    except InvalidDetector:
        # It says itself what is to be done, and was so before it saw a text.
        raise
    except Exception as error:
        complaint = type(error).__name__
    if complaint:
        raise DetectorFailed(name_of(detector), complaint)
    return found


def _complaint(found: list[Found], length: int) -> str:
    for one in found:
        if not 0 <= one.start < one.end <= length:
            return _("it found something from %(start)d to %(end)d of %(length)d characters") % {
                "start": one.start,
                "end": one.end,
                "length": length,
            }
        if not KIND.fullmatch(one.kind):
            return _("a kind is no word in small letters")
    return ""


def _merged(found: Iterable[Found]) -> Iterable[Found]:
    start, end, longest = -1, -1, None
    for one in found:
        if longest is None or one.start >= end:
            if longest is not None:
                yield Found(start, end, longest.kind)
            start, end, longest = one.start, one.end, one
            continue
        end = max(end, one.end)
        if one.end - one.start > longest.end - longest.start:
            longest = one
    if longest is not None:
        yield Found(start, end, longest.kind)

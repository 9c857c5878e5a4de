"""Why nothing was sent. No message ever repeats a text that was looked at.

RedactionError
├── DetectorFailed       .detector: it raised, or found what cannot be there
└── NotReadable          a message holds what cannot be looked through

InvalidOption            the setting is to be changed (`aiops.options`)
└── InvalidDetector      .path: it leads to nothing that could be called
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from aiops.options import InvalidOption


class RedactionError(Exception):
    """`str(error)` is one sentence; nothing was sent."""


class DetectorFailed(RedactionError):
    def __init__(self, detector: str, complaint: str) -> None:
        super().__init__(
            _("The detector “%(detector)s” failed (%(complaint)s), so that nothing was sent: mend it or take it out.")
            % {"detector": detector, "complaint": complaint}
        )
        self.detector = detector


class NotReadable(RedactionError):
    def __init__(self, complaint: str) -> None:
        super().__init__(
            _("A message %(complaint)s, which nobody can look through for what may not leave: nothing was sent.")
            % {"complaint": complaint}
        )


class InvalidDetector(InvalidOption):
    def __init__(self, path: str, complaint: str) -> None:
        super().__init__(
            _("The detector “%(path)s” cannot be used: %(complaint)s.") % {"path": path, "complaint": complaint}
        )
        self.path = path

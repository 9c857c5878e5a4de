"""What may not leave the building is replaced by tokens before it does, and put back into the answer.

A detector says where in a text something personal or secret stands; `redact` puts a token like `[EMAIL_1]` there, in
every message of one call; the `Restorer` puts the values back. Nothing here knows of calls: it works on messages.
"""

from aiops.redaction.configured import detectors_of, load_detector
from aiops.redaction.errors import DetectorFailed, InvalidDetector, NotReadable, RedactionError
from aiops.redaction.found import Detector, Found
from aiops.redaction.redact import Redacted, redact
from aiops.redaction.restore import Restorer
from aiops.redaction.stream import RestoredStream

__all__ = [
    "Detector",
    "DetectorFailed",
    "Found",
    "InvalidDetector",
    "NotReadable",
    "Redacted",
    "RedactionError",
    "RestoredStream",
    "Restorer",
    "detectors_of",
    "load_detector",
    "redact",
]

"""Saying that a batch is over, as OpenAI does: a signed POST to an address of the one who asked for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Who is told, and by which signature it is believed."""

    url: str
    secret: str
    """`whsec_` and base64."""

    def tell(self, kind: str, batch_id: str, *, timeout: float = 10.0) -> int:
        """Post it. Returns the status of the answer.

        Args:
            kind: `batch.completed`, …
            timeout: seconds.

        Raises:
            OSError: nobody answers there, or not with success (`HTTPError`).
        """
        event = {"id": f"evt_{uuid4().hex}", "object": "event", "created_at": int(time.time()), "type": kind}
        body = json.dumps({**event, "data": {"id": batch_id}}).encode()
        headers = {"Content-Type": "application/json", **signed(body, self.secret, at=int(time.time()))}
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")  # noqa: S310 - a test's own
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return int(answer.status)


def signed(body: bytes, secret: str, *, at: int) -> dict[str, str]:
    """The headers of Standard Webhooks.

    Args:
        at: seconds since 1970.
    """
    name, key = f"wh_{uuid4().hex}", base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }

"""Names of calls: unique without asking the database, and in the order of time."""

from __future__ import annotations

import os
import time
from datetime import datetime
from uuid import UUID


def new_call_id() -> UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits.

    Rows keyed by it are appended to the end of the index, and the newest page of the log is a walk over its tail.
    """
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def first_id_at(moment: datetime) -> UUID:
    """The smallest name that a call begun at that moment, or later, can have: a question of time asked of the key."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)

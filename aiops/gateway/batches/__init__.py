"""Batches at a provider: lines that are answered within a day. One attempt at a time; no retry, no record, no money."""

from aiops.gateway.batches.asking import cancel, create, find, has_batches, look
from aiops.gateway.batches.lines import Line, endpoint_of, line_of, read_line
from aiops.gateway.batches.told import Fault, ToldBatch

__all__ = [
    "Fault",
    "Line",
    "ToldBatch",
    "cancel",
    "create",
    "endpoint_of",
    "find",
    "has_batches",
    "line_of",
    "look",
    "read_line",
]

"""Files at a provider: one attempt at a time to send, list, read or delete one. No retry and no record in here."""

from aiops.gateway.files import blocking, nonblocking
from aiops.gateway.files.told import Sending, ToldFile

__all__ = ["Sending", "ToldFile", "blocking", "nonblocking"]

"""Moving over: what still calls OpenAI itself, and the way back, call site by call site."""

from aiops.compat.old_way import moved_from

__all__ = ["moved_from"]

"""What of a source is still to be read, so that whichever process comes next goes on with it."""

from aiops.jobs.unread.beginning import unread_of
from aiops.jobs.unread.going_on import unread_by
from aiops.jobs.unread.unread import OnlyHere, Unread

__all__ = ["OnlyHere", "Unread", "unread_by", "unread_of"]

"""Who keeps the state: Redis where the settings name one, the database else."""

from aiops.limits.store.chosen import chosen_store
from aiops.limits.store.port import Seen, Store

__all__ = ["Seen", "Store", "chosen_store"]

"""Which keeper the settings ask for."""

from __future__ import annotations

from functools import cache

from aiops.limits.store.database import Database
from aiops.limits.store.port import Store
from aiops.limits.store.redis_server import RedisServer, WhileRedisAnswers
from aiops.options import options


def chosen_store() -> Store:
    """The keeper that all processes of this site share.

    Raises:
        InvalidOption: the settings name a Redis, and the package for it is missing.
    """
    return _store(options().redis_url)


@cache
def _store(redis_url: str | None) -> Store:
    database = Database()
    return WhileRedisAnswers(RedisServer(redis_url), database) if redis_url else database

"""The state as a key of Redis; and the database while Redis does not answer."""

from __future__ import annotations

import logging
import time
from typing import Any

from aiops.limits.limits import Key
from aiops.limits.store.port import Seen, Store
from aiops.options import InvalidOption

logger = logging.getLogger(__name__)

PREFIX = "aiops:limits:"
KEPT = 24 * 3600 * 1000
"""Milliseconds after which a state that nobody uses is gone: what it says is over long before."""

PATIENCE = 1.0
"""Seconds that one exchange with Redis may take."""

ABSENCE = 5.0
"""Seconds for which a Redis that did not answer is left alone."""

SWAP = """
if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
return 0
"""


class RedisServer:
    """Goes by the clock of Redis."""

    def __init__(self, url: str) -> None:
        """Nothing is connected yet.

        Raises:
            InvalidOption: the package is missing, or the address makes no sense.
        """
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise InvalidOption(
                "AIOPS['REDIS_URL'] is set and the package redis is missing: install django-aiops[redis]."
            ) from None
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                # Once, for a connection that went stale; the database is there for everything else.
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:
            # Its own sentence may repeat the address, and the password in it.
            raise InvalidOption("AIOPS['REDIS_URL'] is no address that Redis can be reached by.") from None
        self._swap = self._client.register_script(SWAP)

    def read(self, key: Key) -> Seen:
        """The state now.

        Raises:
            redis.RedisError: Redis is out of order.
        """
        with self._client.pipeline(transaction=False) as pipeline:
            text, (seconds, micros) = pipeline.get(self._name(key)).time().execute()
        return Seen(text=text or "", now=seconds * 1_000_000 + micros, store=self)

    def swap(self, key: Key, old: str, new: str) -> bool:
        """Keep `new` where `old` still holds.

        Raises:
            redis.RedisError: Redis is out of order.
        """
        return bool(self._swap(keys=[self._name(key)], args=[old, new, KEPT]))

    def at_home(self) -> None:
        """Its connections are shared by threads anyway."""

    @staticmethod
    def _name(key: Key) -> str:
        return PREFIX + ":".join(key)


class WhileRedisAnswers:
    """Redis, or the other keeper for a few seconds each time that Redis does not answer.

    Neither open nor closed: the limit holds on, with what the other keeper knows, which after a change is at most the
    leeway of a fresh start. Hosts that lose sight of Redis one by one could together reach twice the limit for as long;
    the provider's own stands behind ours, and money is held elsewhere.
    """

    def __init__(self, redis_server: RedisServer, other: Store) -> None:
        from redis import RedisError

        self._errors = (RedisError, OSError)
        self._redis_server = redis_server
        self._other = other
        self._absent_until = 0.0

    def read(self, key: Key) -> Seen:
        """The state now, from whoever keeps it. Raises what the other keeper raises."""
        if time.monotonic() >= self._absent_until:
            try:
                seen = self._redis_server.read(key)
            except self._errors as error:
                self._missed(error)
            else:
                return Seen(text=seen.text, now=seen.now, store=self)
        return self._other.read(key)

    def swap(self, key: Key, old: str, new: str) -> bool:
        """Keep `new` in Redis, where `old` still holds there; one who lost sight of it has to look again."""
        try:
            return self._redis_server.swap(key, old, new)
        except self._errors as error:
            self._missed(error)
            return False

    def at_home(self) -> None:
        """The other keeper may be needed at any time."""
        self._other.at_home()

    def _missed(self, error: Exception) -> None:
        self._absent_until = time.monotonic() + ABSENCE
        logger.warning("Redis does not answer, the database counts limits meanwhile: %s", type(error).__name__)

"""The Redis store: Redis 6 and later, Valkey, and Infinispan's endpoint for Redis clients."""

from flowrt.stores.redis.settings import RedisSettings
from flowrt.stores.redis.store import RedisStore

__all__ = ["RedisSettings", "RedisStore"]

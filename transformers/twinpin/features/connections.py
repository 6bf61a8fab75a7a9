"""Connections of Feast's online stores: the one place that knows what Feast keeps private.

Feast 0.67 gives no way to bound a Redis read, to choose its retries, or to close it. Held to that minor version by
pyproject; everything else talks to Feast through its documented methods.
"""

from typing import Any

#: Packages whose exceptions mean that the online store, not the request and not our code, is at fault.
DRIVERS = frozenset(
    (
        *("aiohttp", "boto3", "botocore", "cassandra", "couchbase", "elasticsearch", "elastic_transport", "glide_sync"),
        *("google", "grpc", "mysql", "psycopg", "psycopg2", "psycopg_pool", "pymongo", "pymysql", "redis", "requests"),
        *("snowflake", "sqlalchemy", "sqlite3", "urllib3"),
    )
)

#: Redis is tried again at once and a single time, which mends a connection that went stale. Its client's default, three
#: times with up to ten seconds between, would keep a request that the caller can repeat.
RETRIES = 1

#: Stores whose versioned reads Feast supports, of those that come up most.
VERSIONED = frozenset(("dynamodb", "redis", "sqlite"))


def is_outage(error: BaseException) -> bool:
    """Whether *error* comes from the store: from the system, or from its driver, whichever that is."""
    if isinstance(error, OSError | EOFError):
        return True
    return any(each.__module__.partition(".")[0] in DRIVERS for each in type(error).__mro__)


def online_store(feast: Any) -> Any:
    """Return the object through which Feast reads."""
    return feast._get_provider().online_store  # noqa: SLF001 -- its only way out


def bound(feast: Any, seconds: float) -> None:
    """Give every exchange with Redis a time limit, where the repository's connection string sets none.

    Without it a worker thread waits for ever on a network that swallows packets. Call this before the first read.
    """
    config = feast.config.online_store
    if config.type == "redis":
        for option in ("socket_timeout", "socket_connect_timeout"):
            if f"{option}=" not in config.connection_string:
                config.connection_string += f",{option}={seconds}"


def know_versions(feast: Any) -> None:
    """Tell a store that it can read versions of a view, which it finds out by importing all stores that can."""
    if feast.config.online_store.type in VERSIONED:
        online_store(feast)._versioned_read_supported = True  # noqa: SLF001 -- see above


def open_blocking(feast: Any) -> None:
    """Make the client for reads in worker threads."""
    if feast.config.online_store.type == "redis":
        from redis.backoff import NoBackoff  # noqa: PLC0415 -- only the Redis store has the package
        from redis.retry import Retry  # noqa: PLC0415

        client = online_store(feast)._get_client(feast.config.online_store)  # noqa: SLF001 -- see above
        client.set_retry(Retry(NoBackoff(), RETRIES))


async def open_async(feast: Any) -> None:
    """Make the client for reads on the running loop, which it belongs to from then on."""
    await feast.initialize()
    if feast.config.online_store.type == "redis":
        client = await online_store(feast)._get_client_async(feast.config.online_store)  # noqa: SLF001 -- see above
        from redis.asyncio.retry import Retry  # noqa: PLC0415 -- only the Redis store has the package
        from redis.backoff import NoBackoff  # noqa: PLC0415

        client.set_retry(Retry(NoBackoff(), RETRIES))


def close_blocking(feast: Any) -> None:
    """Close the client of worker threads."""
    store = online_store(feast)
    for name in ("_client", "_conn"):
        client = getattr(store, name, None)
        if client is not None:
            client.close()
            setattr(store, name, None)


async def close_async(feast: Any) -> None:
    """Close the client of the loop; without this aiohttp and redis report an unclosed session."""
    await feast.close()
    store = online_store(feast)
    client = getattr(store, "_client_async", None)
    if client is not None:
        await client.aclose()
        store._client_async = None  # noqa: SLF001 -- see above


def has_hashes(feast: Any) -> bool:
    """Whether rows lie in the hashes of one Redis server, where they can be read without Feast's objects."""
    config = feast.config.online_store
    return config.type == "redis" and config.redis_type == "redis" and config.client != "glide"


def redis_hash(feast: Any, join_key: str, kind: str, entity: int | str) -> bytes:
    """Name the hash of an entity whose key is of Feast's value type *kind*."""
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey  # noqa: PLC0415 -- Feast takes seconds to import
    from feast.type_map import python_values_to_proto_values  # noqa: PLC0415
    from feast.value_type import ValueType  # noqa: PLC0415

    value = python_values_to_proto_values([entity], ValueType[kind])
    keys = [EntityKey(join_keys=[join_key], entity_values=value)]
    (name,) = online_store(feast)._generate_redis_keys_for_entities(feast.config, keys)  # noqa: SLF001 -- see above
    return bytes(name)


def redis_fields(feast: Any, view: Any, features: list[str]) -> list[bytes]:
    """Name the fields of features of a view, and after them that of its event time."""
    from feast.infra.online_stores.redis import _versioned_fv_name  # noqa: PLC0415 -- see above

    stored = _versioned_fv_name(view, feast.config)
    _, fields = online_store(feast)._generate_hset_keys_for_features(view, [*features], stored)  # noqa: SLF001
    return [field.encode() if isinstance(field, str) else bytes(field) for field in fields]


def redis_lost() -> Exception:
    """Return what redis-py raises for a connection that broke."""
    from redis.exceptions import ConnectionError as Lost  # noqa: PLC0415 -- only the Redis store has the package

    return Lost("the connection to Redis has ended")


def redis_losses() -> tuple[type[Exception], ...]:
    """Return the classes of what redis-py raises for a connection that broke."""
    return (type(redis_lost()),)


async def redis_connection(feast: Any) -> Any:
    """Open one more connection with the settings of the repository, for the running loop."""
    pool = online_store(feast)._client_async.connection_pool  # noqa: SLF001 -- see above
    connection = pool.make_connection()
    await connection.connect()
    return connection


def redis_transport(connection: Any) -> Any:
    """Return the transport of an open connection."""
    return connection._writer.transport  # noqa: SLF001 -- its only way out


def redis_errors(connection: Any) -> dict[str, Any]:
    """Return how hiredis is to read an error, so that it is one of redis-py's own."""
    return {"replyError": connection._parser.parse_error}  # noqa: SLF001 -- as its own reader does

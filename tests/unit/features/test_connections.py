"""What counts as the store's fault, and the limits that a Redis connection gets."""

import sqlite3
from types import SimpleNamespace

import botocore.exceptions
import pytest
import redis

from twinpin.features.connections import bound, is_outage


@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.ConnectionError("refused"),
        redis.exceptions.BusyLoadingError("loading"),
        sqlite3.OperationalError("database is locked"),
        botocore.exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ConnectionResetError(104, "reset"),
        TimeoutError(),
        type("DriverError", (redis.exceptions.RedisError,), {})("a subclass of its own"),
    ],
)
def test_what_a_driver_or_the_system_raises_is_an_outage(error):
    """Whatever the store, its driver's errors are told by where they are defined."""
    assert is_outage(error)


@pytest.mark.parametrize("error", [KeyError("site_id"), TypeError("None"), ValueError("5"), AttributeError("val")])
def test_what_code_raises_is_none(error):
    """A defect must be seen as one, not be tried again."""
    assert not is_outage(error)


def opened(connection_string: str) -> str:
    """Bound a Redis repository; its connection string."""
    online = SimpleNamespace(type="redis", connection_string=connection_string)
    bound(SimpleNamespace(config=SimpleNamespace(online_store=online)), 2.0)
    return online.connection_string


def test_a_redis_connection_gets_time_limits():
    """Without them a worker thread may wait for ever."""
    assert opened("redis:6379,db=1") == "redis:6379,db=1,socket_timeout=2.0,socket_connect_timeout=2.0"


def test_time_limits_of_the_repository_stay():
    """The operator's own limit stands, the other one is added."""
    assert opened("redis:6379,socket_connect_timeout=9").split(",")[1:] == [
        "socket_connect_timeout=9",
        "socket_timeout=2.0",
    ]

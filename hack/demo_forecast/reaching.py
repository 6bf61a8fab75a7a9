"""Reaching: whether a server that was named is there, asked before anything slow begins."""

import socket
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0


class NotReachable(Exception):
    """Nobody answers at the address; the message names it and what should be there."""


def require(what: str, address: str, default_port: int) -> None:
    """Connect once to `host:port` or a URL; the user info of a URL is not shown."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    host, port = parts.hostname or "127.0.0.1", parts.port or default_port
    try:
        socket.create_connection((host, port), TIMEOUT_SECONDS).close()
    except OSError as error:
        raise NotReachable(
            f"no {what} at {host}:{port} ({error.strerror or error}): start it, or name another"
        ) from error

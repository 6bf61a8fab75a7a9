"""Serving: REST and gRPC on their sockets until SIGTERM or SIGINT, then an orderly end; for a step and for the gateway.

The order at the end: readiness off (`Lifecycle`), `drain_wait` seconds in which all is still answered and each answer
ends its connection, so that clients open the next one elsewhere, sockets closed, requests in flight finished (at most
`drain_timeout` seconds). Only then does `serve` return; its caller closes stores.
"""

import asyncio
import contextlib
import ctypes
import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import grpc
import uvicorn
import uvloop
from starlette.types import ASGIApp

from twinpin.step import tracing
from twinpin.step.head import BoundedHead
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")
NO_PORT = -1
#: Seconds without a call over gRPC after which its clients are taken to be elsewhere.
QUIET = 1.0
_BACKLOG = 2048
# Python's own 5 ms: a health answer beside two computing threads took about half as long again (measured).
_SWITCH_INTERVAL = 0.001  # seconds


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* on uvloop, which gets the interpreter back soon from threads that compute in Python."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def serve(
    app: ASGIApp,
    grpc_server: grpc.aio.Server | None,
    settings: Settings,
    lifecycle: Lifecycle,
    announce: Callable[[int, int | None], None] | None = None,
    *,
    linger: float = 0.0,
    service: str = "twinpin",
) -> None:
    """Serve both protocols until a signal comes and everything in flight is answered; traces know it as *service*.

    Where clients do not ask again what a server refuses that stops, gRPC goes on for *linger* seconds more while calls
    come: what meets the end of its server is cancelled, and each connection ends of age before that.
    *announce* is called with the ports of REST and gRPC once both accept connections. OSError: a port is taken.
    """
    stop = stop_signal()
    tracing.start(service)
    listener = _listen(settings.host, settings.http_port)
    grpc_port = await _start_grpc(grpc_server, settings)
    rest = _Rest(_config(app, settings))
    serving = asyncio.create_task(rest.serve(sockets=[listener]))
    await _first(rest.begun, serving)
    if rest.begun.is_set():
        _settle()
        http_port = listener.getsockname()[1]
        log.info("serving", extra={"http_port": http_port, "grpc_port": grpc_port})
        if announce is not None:
            announce(http_port, grpc_port)
    await _first(stop, serving)
    log.info("stopping")
    lifecycle.drain()
    rest.say_goodbye()
    await asyncio.sleep(settings.drain_wait)
    rest.should_exit = True
    ends: list[Coroutine[Any, Any, None]] = [_ended(serving)]
    if grpc_server is not None:
        ends.append(_stop_grpc(grpc_server, settings.drain_timeout, linger, lifecycle))
    await asyncio.gather(*ends)
    tracing.stop()


async def _stop_grpc(server: grpc.aio.Server, drain: float, linger: float, lifecycle: Lifecycle) -> None:
    """Stop once nobody calls any more, or after *linger* seconds; all is over after *drain* seconds."""
    begun = time.monotonic()
    while True:
        spent = time.monotonic() - begun
        left = min(QUIET - lifecycle.quiet, linger - spent)
        if left <= 0:
            break
        await asyncio.sleep(left)
    await server.stop(max(1.0, drain - spent))


def _settle() -> None:
    """Spare every later collection what the start has made and give back what it needs no more.

    Half a million objects live to the end; what the libraries' start and the model's trees took is tens of MB.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


async def _ended(serving: "asyncio.Task[None]") -> None:
    """Wait for the REST server's end."""
    await serving


class _Rest(uvicorn.Server):
    """uvicorn that says when it has begun, and leaves signals to `serve`, which has more than it to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def say_goodbye(self) -> None:
        """End each connection with its next answer: one that is idle when the sockets close may lose a request."""
        close = (b"connection", b"close")
        self.config.encoded_headers.append(close)  # uvicorn copies these each second
        self.server_state.default_headers.append(close)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when connections are accepted."""
        await super().startup(sockets)
        self.begun.set()


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Configure uvicorn for speed and for KServe's router, which keeps idle connections for 90 seconds."""
    return uvicorn.Config(
        app,
        http=BoundedHead,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=max(1, round(settings.drain_timeout)),
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bind the port of REST before anything is announced."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"Port {port} is taken: choose another with --http-port.") from error
        raise OSError(f"Cannot listen on port {port} of {host} (--http-port, --host): {error.strerror}.") from error


async def _start_grpc(server: grpc.aio.Server | None, settings: Settings) -> int | None:
    """Bind and start gRPC."""
    if server is None or settings.grpc_port == NO_PORT:
        return None
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        port: int = server.add_insecure_port(f"{host}:{settings.grpc_port}")
    except RuntimeError as error:
        raise OSError(
            f"Cannot listen on port {settings.grpc_port} for gRPC: choose another with --grpc-port."
        ) from error
    await server.start()
    return port


def stop_signal() -> asyncio.Event:
    """Make an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    return stop


async def _first(event: asyncio.Event, serving: "asyncio.Task[None]") -> None:
    """Wait for the event, or for the server's early end."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()

"""HTTP steps for graphs of tests: what a step answers stands in its URL, what it was asked is recorded by run."""

import asyncio
import threading
from collections import defaultdict
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import orjson
from aiohttp import web

#: The header that tells one run's calls from another's; both routers are told to propagate it.
RUN = "X-Run"


class Call(NamedTuple):
    """One request that a step got."""

    step: str
    method: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


class StubSteps:
    """A server in a thread of its own; use as a context manager."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, list[Call]] = defaultdict(list)
        #: Steps whose client went away before they had answered.
        self.cancelled: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stub-steps")
        self._runner = web.AppRunner(
            self._application(), handler_cancellation=True, access_log=None, shutdown_timeout=1
        )
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self.address = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, name: str, answer: Any = None, *, text: str | None = None, status: int = 200, **more: Any) -> str:
        """Write the address of a step.

        It answers JSON *answer*, or *text* as it is, or by `does`: "echo" (the body), "wrap" (an object around it),
        "headers" (those it got), "cut" (nothing: the connection ends). `delay` in seconds.
        """
        query = {"status": status, **more}
        if text is not None or answer is not None:
            query["text"] = text if text is not None else orjson.dumps(answer).decode()
        return f"{self.address}/{name}?{urlencode(query)}"

    async def _start(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{step}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        name, query, body = request.match_info["step"], request.query, await request.read()
        headers = tuple((key, value) for key, value in request.headers.items() if key != RUN)
        self.calls[request.headers.get(RUN, "")].append(Call(name, request.method, body, headers))
        try:
            await asyncio.sleep(float(query.get("delay", 0)))
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if query.get("does") == "cut":
            request.transport.close()
        return web.Response(
            status=int(query["status"]),
            body=_body(query.get("does", ""), name, body, headers, query),
            content_type=query.get("type", "application/json"),
            headers={"Retry-After": query["retry"]} if "retry" in query else None,
        )


def _body(does: str, name: str, body: bytes, headers: Any, query: Any) -> bytes:
    """Make the answer of a step."""
    if does == "echo":
        return body
    if does == "wrap":
        try:
            got = orjson.loads(body)
        except orjson.JSONDecodeError:
            got = None
        return orjson.dumps({"step": name, "got": got})
    if does == "headers":
        return orjson.dumps(headers)
    return str(query.get("text", "")).encode()

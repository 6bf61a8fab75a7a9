"""RequestId: every answer names its request, by the client's own id or by one made here."""

import random

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = b"x-request-id"
#: Longest id that is taken over: one that fits a log line.
LONGEST = 128


class RequestId:
    """Puts the id into the request's headers, where the endpoints find it, and into the answer's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given if _fits(given) else b"%016x" % random.getrandbits(64)
        others = [(name, value) for name, value in scope["headers"] if name != HEADER]
        scope["headers"] = [*others, (HEADER, request_id)]

        async def answer(event: Message) -> None:
            if event["type"] == "http.response.start":
                event = {**event, "headers": [*event["headers"], (HEADER, request_id)]}
            await send(event)

        await self.app(scope, receive, answer)


def _fits(given: bytes) -> bool:
    """Whether the client's id is printable ASCII of a line's length."""
    return 0 < len(given) <= LONGEST and all(0x20 < each < 0x7F for each in given)  # noqa: PLR2004 -- ASCII's bounds

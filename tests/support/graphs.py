"""Graph documents for tests, and steps without a server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from twinpin.graph.body import Body
from twinpin.graph.document import InferenceGraph, load
from twinpin.graph.transport import Headers, Reply, Target
from twinpin.step.errors import DeadlineExceeded

Answer = Callable[[Any], Any]


def document(nodes: dict[str, Any], **spec: Any) -> InferenceGraph:
    """Make a document from its nodes: name -> (router type, steps)."""
    routers = {name: {"routerType": kind, "steps": steps} for name, (kind, steps) in nodes.items()}
    whole = {"kind": "InferenceGraph", "metadata": {"name": "g"}, "spec": {"nodes": routers, **spec}}
    return load(orjson.dumps(whole).decode())


def url(model: str) -> str:
    """The address of a model's step."""
    return f"http://{model}/v2/models/{model}/infer"


class Functions:
    """A transport whose steps are functions of the JSON document, by model name: (status, answer), or a coroutine."""

    def __init__(self, **steps: Callable[[Any], Any]) -> None:
        self.steps = steps
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[Headers] = []
        #: Steps that were cancelled while they ran.
        self.cancelled: list[str] = []
        self.closed = False

    async def send(self, target: Target, body: Body, headers: Headers, deadline: float | None) -> Reply:
        """Run the function; what it raises goes to the executor."""
        self.asked.append((target.model, body.json()))
        self.headers.append(headers)
        answer = self.steps[target.model](body.json())
        if isinstance(answer, Awaitable):
            answer = await self._waited(target, answer, deadline)
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        return Reply(status, Body.of_json(value))

    async def _waited(self, target: Target, answer: Awaitable[Any], deadline: float | None) -> Any:
        """Wait for a coroutine's answer, and give it up at the deadline as every transport does."""
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                return await answer
        except TimeoutError as error:
            self.cancelled.append(target.model)
            raise DeadlineExceeded(f"{target.label} did not answer in the time allowed") from error
        except asyncio.CancelledError:
            self.cancelled.append(target.model)
            raise

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

"""Walk: one request on its way through the graph, node by node, as `routeStep` of KServe's router walks."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from twinpin.graph.body import Body
from twinpin.graph.condition import is_json
from twinpin.graph.plan import Plan, PlannedNode, PlannedStep
from twinpin.graph.transport import Headers, Reply, Timing, Transport
from twinpin.step.errors import Broken, DeadlineExceeded, Malformed, TwinpinError, UnknownModel

#: The weights of a Splitter are parts of this.
HUNDRED = 100


class NoRoute(UnknownModel):
    """No condition of a Switch holds for the body."""

    def __init__(self, node: str) -> None:
        super().__init__("no route of the graph takes this body: it has none of the keys that the graph asks for")
        self.node = node


class Walk:
    """The state of one request: what all its steps share, and how long each took."""

    def __init__(
        self,
        plan: Plan,
        transport: Transport,
        *,
        headers: Headers,
        deadline: float | None,
        step_limit: float | None,
        pick: Callable[[int], int],
        observe: Callable[[Timing], None] | None,
    ) -> None:
        """*deadline* in seconds of `time.monotonic`, *step_limit* in seconds for each call of a step."""
        self.timings: list[Timing] = []
        self._plan = plan
        self._transport = transport
        self._headers = headers
        self._deadline = deadline
        self._step_limit = step_limit
        self._pick = pick
        self._observe = observe

    async def node(self, name: str, body: Body) -> Reply:
        """Run one router; raises a TwinpinError where the whole graph ends without any step's answer."""
        node = self._plan[name]
        match node.kind:
            case "Sequence":
                return await self._sequence(node, body)
            case "Ensemble":
                return await self._ensemble(node, body)
            case "Switch":
                return await self._step(node, _matching(node, body), body)
            case "Splitter":
                return await self._step(node, _drawn(node, self._pick(HUNDRED)), body)

    async def _sequence(self, node: PlannedNode, body: Body) -> Reply:
        """Run step after step: each gets the node's own input, or with `$response` what the step before answered."""
        reply: Reply | None = None
        for step in node.steps:
            request = reply.body if step.chained and reply is not None else body
            if step.maps_predictions:
                request = with_instances(request)
            if step.condition is not None:
                if reply is None or not is_json(reply.body):
                    raise Broken(f"the condition of step {step.name!r} has no JSON answer before it to look into")
                if not step.condition.met(reply.body):
                    return Reply(200, reply.body)  # the graph ends well here, whatever that answer's status was
            reply = await self._step(node, step, request)
            if step.hard and not reply.ok:
                return reply
        if reply is None:
            raise Broken(f"node {node.name!r} of the graph has no steps")
        return reply

    async def _ensemble(self, node: PlannedNode, body: Body) -> Reply:
        """Run all steps at once; an object of their answers, or the first failed Hard one in the order of steps."""
        tasks = [asyncio.create_task(self._member(node, step, body)) for step in node.steps]
        try:
            return await _merge(node, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _member(self, node: PlannedNode, step: PlannedStep, body: Body) -> tuple[Reply, Any]:
        """Run one step of an Ensemble: its reply, and the object in it."""
        reply = await self._step(node, step, body)
        try:
            answer = reply.body.json()
        except Malformed as error:
            raise Broken(f"step {step.name!r} of an Ensemble answered something that is not JSON") from error
        if not isinstance(answer, dict | None):
            raise Broken(f"step {step.name!r} of an Ensemble answered JSON that is no object")
        return reply, answer

    async def _step(self, node: PlannedNode, step: PlannedStep, body: Body) -> Reply:
        """Run another node, or ask the target."""
        if step.node is not None:
            return await self.node(step.node, body)
        started = time.monotonic()
        status = 0
        try:
            reply = await self._send(step, body, started)
            status = reply.status
        except TwinpinError as error:
            status = error.status
            raise
        finally:
            self._note(Timing(node.name, step.name, time.monotonic() - started, status))
        return reply

    async def _send(self, step: PlannedStep, body: Body, now: float) -> Reply:
        """Ask the target, which the transport gives up at the deadline of the whole or the step's own limit."""
        if self._deadline is not None and self._deadline <= now:
            raise DeadlineExceeded(f"the time for the request was over before step {step.name!r} began")
        return await self._transport.send(
            step.target, body, self._headers, sooner(self._deadline, now, self._step_limit)
        )

    def _note(self, timing: Timing) -> None:
        """Keep a timing for the reply, and tell it."""
        self.timings.append(timing)
        if self._observe is not None:
            self._observe(timing)


def sooner(deadline: float | None, now: float, limit: float | None) -> float | None:
    """Return the earlier of a deadline and *limit* seconds from now; None: neither is set."""
    if limit is None:
        return deadline
    return now + limit if deadline is None else min(deadline, now + limit)


def _matching(node: PlannedNode, body: Body) -> PlannedStep:
    """Choose the first step whose condition holds; a body that is not JSON meets none."""
    if is_json(body):
        for step in node.steps:
            if step.condition is not None and step.condition.met(body):
                return step
    raise NoRoute(node.name)


def _drawn(node: PlannedNode, point: int) -> PlannedStep:
    """Choose the step in whose share of the hundred the point lies."""
    for step in node.steps:
        if point < step.weight:
            return step
        point -= step.weight
    raise Broken(f"the weights of node {node.name!r} do not add up to {HUNDRED}")


async def _merge(node: PlannedNode, tasks: list[asyncio.Task[tuple[Reply, Any]]]) -> Reply:
    """Take the answers in the order of steps; a step without an answer ends the graph at once."""
    merged: dict[str, Any] = {}
    pending = set(tasks)
    for step, task in zip(node.steps, tasks, strict=True):
        while not task.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()  # raises what it raised, though a step before it may still run
        reply, answer = task.result()
        if step.hard and not reply.ok:
            return reply
        merged[step.name] = answer
    return Reply(200, Body.of_json(merged))


def with_instances(body: Body) -> Body:
    """Rename a V1 answer's predictions to instances, dropping all else; a body without any stays as it is.

    As Go's decoder does, names are read in any case, and a null or a list counts, nothing else.
    """
    if not is_json(body):
        return body
    document = body.json()
    lists: dict[str, list[Any]] = {"predictions": [], "instances": []}
    for key, value in document.items() if isinstance(document, dict) else ():
        if key.lower() in lists:
            if not isinstance(value, list | None):
                return body
            lists[key.lower()] = value or []
    return Body.of_json({"instances": lists["predictions"]}) if lists["predictions"] else body

"""Forecasts: the whole graph as one thing to ask, by plain REST and as the model `forecast` of the protocol."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from twinpin.gateway.admission import Admission
from twinpin.gateway.answers import pair
from twinpin.gateway.health import Health
from twinpin.gateway.pipeline import Pipeline
from twinpin.gateway.requests import EntityQuery, entity_query
from twinpin.gateway.stages import Stages
from twinpin.graph.body import Body
from twinpin.graph.transport import Headers
from twinpin.step import tracing
from twinpin.step.errors import UnknownModel
from twinpin.step.lifecycle import Lifecycle
from twinpin.step.limits import Limits
from twinpin.step.step import Message, Parameter, TensorSpec
from twinpin.step.telemetry import PAIR_INFO

NO_STORE = "No feature store is configured here: send the columns themselves to /predict, or start with --feature-repo."


class Forecasts:
    """Answers every request for a forecast, within the limits; a `Served` for the protocol's fronts."""

    def __init__(
        self,
        pipeline: Pipeline,
        stages: Stages,
        limits: Limits,
        lifecycle: Lifecycle,
        *,
        name: str = "forecast",
        max_in_flight: int = 64,
        pair_id: Callable[[], str] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._admission = Admission(max_in_flight)
        self.name = name
        self.stages = stages
        self.limits = limits
        self.health = Health(stages, lifecycle)
        self._pair_id = pair_id
        self._answered: dict[str, str | None] = self._known()
        _show(self._answered)

    @property
    def pair(self) -> dict[str, str | None]:
        """The pair that serves, id and both versions: what this process knows, else the one that answered last."""
        return self._known() if self._pair_id or not self._answered["id"] else self._answered

    @property
    def versions(self) -> tuple[str, ...]:
        """The model's version, and the pair's id: a client may ask for either."""
        own = [*self.stages.predict.versions, self.pair["model_version"], self.pair["id"]]
        return tuple(dict.fromkeys(each for each in own if each))

    @property
    def platform(self) -> str:
        """What does the work."""
        return "twinpin_graph"

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The preprocessor's columns, and the tensor of entities that may come in their place."""
        return self.stages.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The forecast."""
        return self.stages.outputs

    async def infer(self, message: Message, *, deadline: float | None = None) -> Message:
        """Answer a protocol request: one tensor of entities goes by the feature store, columns do not."""
        await self._know_key(message)
        query = entity_query(message, self.stages.entity_key, limit=self.limits.max_rows)
        if query is not None:
            return await self.by_entity(query, deadline=deadline)
        # The outputs that a client asks for are those of the last step: the front picks them from the answer.
        return await self.by_payload(replace(message, requested=()), deadline=deadline)

    async def by_payload(self, message: Message, *, headers: Headers = (), deadline: float | None = None) -> Message:
        """Forecast from columns that the client sent."""
        self.limits.admit(message)
        return await self._run(Body.of_message(message, "plain"), headers, deadline)

    async def by_entity(self, query: EntityQuery, *, headers: Headers = (), deadline: float | None = None) -> Message:
        """Forecast for entities, whose features the graph reads; raises UnknownModel where there is no store."""
        if self.stages.features is None:
            raise UnknownModel(NO_STORE)
        return await self._run(query.body(), headers, deadline)

    async def history(self, query: EntityQuery, *, deadline: float | None = None) -> Message:
        """Read the whole stored windows of an entity: what the page draws."""
        return await self.stored(query, deadline=deadline, history="all")

    async def stored(self, query: EntityQuery, *, deadline: float | None = None, **parameters: Parameter) -> Message:
        """Read the features of entities, past the graph; raises UnknownModel where there is no store."""
        features = self.stages.features
        if features is None:
            raise UnknownModel(NO_STORE)
        body = query.body(**parameters)
        return await self._within(deadline, lambda by: features.infer(body.message(), deadline=by))

    async def columns(self) -> tuple[TensorSpec, ...]:
        """What the preprocessor takes; asks the step where nobody has yet."""
        preprocess = self.stages.preprocess
        if not preprocess.inputs:
            await preprocess.check()
        return preprocess.inputs

    async def check(self) -> None:
        """Raise Unavailable where no forecast can be made now."""
        await self.health.check()

    async def aclose(self) -> None:
        """Close the way to the graph; called once, after the last request."""
        await self.health.aclose()
        await self._pipeline.aclose()

    def _known(self) -> dict[str, str | None]:
        """Name the pair without an answer's help, as far as the steps tell."""
        return _pair_known(self.stages, self._pair_id() if self._pair_id else None)

    async def _run(self, body: Body, headers: Headers, deadline: float | None) -> Message:
        """Take a body through the graph."""
        answer = await self._within(deadline, lambda by: self._pipeline.forecast(body, headers, deadline=by))
        found = pair(answer)
        self._note(found)
        trace = tracing.current()
        if trace is not None:
            trace.pair = found["id"]
        return answer

    async def _know_key(self, message: Message) -> None:
        """Ask the features step what its key is, where nobody has yet and the one column may be of that name."""
        features = self.stages.features
        if features is None or self.stages.entity_key is not None or len(message.tensors) != 1:
            return
        name, values = next(iter(message.tensors.items()))
        if values.size == len(values) and name not in {spec.name for spec in self.stages.preprocess.inputs}:
            await features.check()

    def _note(self, found: dict[str, str | None]) -> None:
        """Remember the pair that answered, and show it in the metrics in place of the one before."""
        if found == self._answered:
            return
        if self._answered["id"]:
            PAIR_INFO.labels(**_labels(self._answered)).set(0)
        self._answered = found
        _show(found)

    async def _within(self, deadline: float | None, work: Callable[[float], Awaitable[Message]]) -> Message:
        """Do the *work* in a place of its own, and tell it when to end: with the client's time, or before with ours."""
        own = time.monotonic() + self.limits.request_timeout
        with self._admission:
            return await work(own if deadline is None else min(deadline, own))


def _labels(found: dict[str, str | None]) -> dict[str, str]:
    """Name the pair as the metrics do."""
    names = {"id": "pair"}
    return {names.get(key, key): value or "" for key, value in found.items()}


def _show(found: dict[str, str | None]) -> None:
    """Set the gauge of a pair that is known."""
    if found["id"]:
        PAIR_INFO.labels(**_labels(found)).set(1)


def _pair_known(stages: Stages, pair_id: str | None) -> dict[str, str | None]:
    """Name the pair before the first answer, as far as the steps tell."""
    preprocess, predict = stages.preprocess.versions, stages.predict.versions
    shared = [each for each in preprocess[1:] if each in predict[1:]]  # both call themselves by the pair's id too
    return {
        "id": pair_id or next(iter(shared), None),
        "preprocessor_version": preprocess[0] if preprocess else None,
        "model_version": predict[0] if predict else None,
    }

"""Steps in this process: tensors are handed over as they are, and errors are answers."""

import asyncio
import time

import numpy as np
import pytest
from graphs import document, url

from twinpin.graph.body import Body
from twinpin.graph.document import builtin
from twinpin.graph.executor import Executor
from twinpin.graph.inprocess import InProcess
from twinpin.step.errors import Impossible, Malformed, UnknownEntities
from twinpin.step.runner import StepModel
from twinpin.step.step import Answer, Message


class Pure:
    """A served model that is one function of a Message."""

    platform = "test_pure"
    inputs = outputs = ()

    def __init__(self, name, function, versions=("1",)):
        self.name = name
        self.versions = versions
        self._function = function
        self.deadlines = []

    async def infer(self, message, *, deadline=None):
        """Apply the function."""
        self.deadlines.append(deadline)
        return self._function(message)

    async def check(self):
        """It always serves."""


class Slow:
    """A step that does not come back by itself."""

    name = "slow"
    versions = ("1",)
    platform = "test_slow"
    inputs = outputs = ()

    async def run(self, tensors, _context):
        """Wait for ever."""
        await asyncio.Event().wait()
        return Answer(tensors)

    async def check(self):
        """It always serves."""

    async def close(self):
        """Hold nothing."""


def adds(name, parameter):
    """A model that adds 1 to x and says that it ran."""

    def run(message):
        if "x" not in message.tensors:
            raise Malformed(f"{name} needs x")
        return Message({"x": message.tensors["x"] + 1}, {**message.parameters, parameter: True}, message.id)

    return Pure(name, run)


def chain():
    """The shipped graph over three models, the first of which makes x of entities."""
    features = Pure("features", lambda message: Message({"x": np.array([10.0])}, {"seen": "features"}, message.id))
    return Executor(builtin(), InProcess([features, adds("preprocess", "p"), adds("predict", "q")]))


@pytest.mark.parametrize(
    ("body", "expected", "steps"),
    [
        ({"entities": [1], "entity_key": "id"}, 12.0, ["features", "preprocess", "predict"]),
        ({"entities": None}, 12.0, ["features", "preprocess", "predict"]),
        ({"time_point": "now"}, 12.0, ["features", "preprocess", "predict"]),
        ({"data": {"x": [1.0]}}, 3.0, ["preprocess", "predict"]),
        ({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1]}]}, 3.0, ["preprocess", "predict"]),
    ],
)
async def test_the_shipped_graph_routes_by_kind(body, expected, steps):
    """Entities start at the feature store; data and inputs start at the preprocessor."""
    reply = await chain().run(Body.of_json(body))

    assert reply.status == 200
    assert reply.body.message().tensors["x"].tolist() == [expected]
    assert [timing.step for timing in reply.timings] == steps


@pytest.mark.parametrize("body", [{}, {"datas": 1}, [], 3, {"data": 5}])
async def test_the_shipped_graph_answers_400_to_what_it_does_not_know(body):
    """A body of no kind comes to the preprocessor, which says what it takes; the router would say 404."""
    reply = await chain().run(Body.of_json(body))

    assert reply.status == 400
    assert set(reply.body.json()) == {"error"}


async def test_arrays_are_handed_over_not_copied():
    """In process a step gets the very array that the step before it made."""
    array = np.ones((3, 4))
    seen = []
    first = Pure("a", lambda _: Message({"m": array}))
    second = Pure("b", lambda message: seen.append(message.tensors["m"]) or message)
    nodes = {"root": ("Sequence", [{"serviceUrl": url("a")}, {"serviceName": "b", "data": "$response"}])}

    await Executor(document(nodes), InProcess([first, second])).run(Body.of_message(Message({"m": array})))

    assert seen[0] is array


async def test_conditions_see_the_answer_s_form():
    """A step asked with ?answer=request answers `inputs`, any other `outputs`, for conditions as over HTTP."""
    model = Pure("a", lambda message: message)
    body = Body.of_message(Message({"x": np.array([1])}))

    for query, key in (("", "outputs"), ("?answer=request", "inputs")):
        nodes = {"root": ("Sequence", [{"serviceUrl": url("a") + query}])}
        reply = await Executor(document(nodes), InProcess([model])).run(body)

        assert reply.body.has_key(key)


@pytest.mark.parametrize("error", [Impossible("no"), UnknownEntities("none of them", {"7": "unknown"})])
async def test_an_error_of_a_step_is_its_answer(error):
    """What a step raises becomes its status and document, which a Hard step ends the graph with."""

    def fail(_message):
        raise error

    nodes = {"root": ("Sequence", [{"serviceUrl": url("a"), "dependency": "Hard"}, {"serviceUrl": url("b")}])}
    reply = await Executor(document(nodes), InProcess([Pure("a", fail), adds("b", "b")])).run(
        Body.of_json({"data": {"x": [1]}})
    )

    assert (reply.status, reply.body.json()) == (422, error.document)


@pytest.mark.parametrize(
    ("seconds", "limit"), [(60, {"routerTimeouts": {"serviceClient": 1}}), (60, {"timeout": 1}), (0.05, {})]
)
async def test_a_late_step_ends_the_graph_even_where_it_is_soft(seconds, limit):
    """It gave no answer that a next step could be fed with, whichever limit was over first."""
    after = adds("after", "p")
    steps = [{"name": "late", "serviceUrl": url("slow")}, {"serviceUrl": url("after"), "data": "$response"}]
    executor = Executor(document({"root": ("Sequence", steps)}, **limit), InProcess([StepModel(Slow()), after]))

    reply = await executor.run(Body.of_message(Message({"x": np.array([1.0])})), deadline=time.monotonic() + seconds)

    assert (reply.status, reply.body.json()) == (504, {"error": "step 'late' did not answer in the time allowed"})
    assert after.deadlines == []


@pytest.mark.parametrize("address", [url("gone"), "http://a/v2/models/a/versions/9/infer"])
async def test_a_model_or_version_that_is_not_here_is_404(address):
    """A graph that names a model or a version which is not served says so."""
    nodes = {"root": ("Sequence", [{"serviceUrl": address}])}

    reply = await Executor(document(nodes), InProcess([adds("a", "a")])).run(Body.of_json({"data": {"x": [1]}}))

    assert reply.status == 404


async def test_outputs_asked_for_are_chosen_and_the_deadline_is_passed_on():
    """As over HTTP, a step's answer holds the outputs asked for, and the step learns its deadline."""
    model = Pure("a", lambda _: Message({"x": np.array([1]), "y": np.array([2])}))
    executor = Executor(document({"root": ("Sequence", [{"serviceUrl": url("a")}])}), InProcess([model]))

    reply = await executor.run(Body.of_message(Message({}, requested=("y",))), deadline=9e9)

    assert list(reply.body.message().tensors) == ["y"]
    assert model.deadlines == [9e9]

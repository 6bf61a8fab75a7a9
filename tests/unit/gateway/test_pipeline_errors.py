"""Errors of steps that come back over a wire become errors again."""

import pytest

from twinpin.gateway.pipeline import RemoteGraph, answer_of, error_of
from twinpin.graph.body import Body
from twinpin.graph.transport import Reply
from twinpin.step import protocol
from twinpin.step.errors import (
    BY_STATUS,
    Broken,
    Busy,
    DeadlineExceeded,
    PairMismatch,
    Unavailable,
    UnknownEntities,
)


def reply(status, document, retry_after=None):
    """An answer of a step."""
    return Reply(status, Body.of_json(document), retry_after)


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_each_status_becomes_its_error_with_its_sentence(status):
    """The client reads what the step said."""
    error = error_of(reply(status, {"error": "do this"}))

    assert (type(error), error.message) == (BY_STATUS[status], "do this")


def test_missing_entities_keep_their_statuses():
    """They are named in the answer's document."""
    error = error_of(reply(422, {"error": "no features for 9", "missing": {"9": "stale"}}))

    assert isinstance(error, UnknownEntities)
    assert error.document["missing"] == {"9": "stale"}


def test_retry_after_is_the_steps_where_it_gave_one_else_the_errors_own():
    """KServe's router drops the header."""
    told, untold = error_of(reply(429, {"error": "full"}, 7.0)), error_of(reply(429, {"error": "full"}))

    assert (told.retry_after, untold.retry_after) == (7.0, Busy("full").retry_after)


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ('Post "http://predict.ns.svc/v2": dial tcp 10.0.0.1:80: connect: connection refused', Unavailable),
        ('Post "http://predict.ns.svc/v2": EOF', Unavailable),
        (
            'Post "http://predict.ns.svc": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            DeadlineExceeded,
        ),
    ],
)
def test_the_routers_own_error_keeps_its_cause_to_itself(cause, kind):
    """It names internal addresses, and always says 500."""
    error = error_of(reply(500, {"error": "Failed to process request", "cause": cause}))

    assert type(error) is kind
    assert "ns.svc" not in error.message
    assert "10.0.0.1" not in error.message


@pytest.mark.parametrize("body", [Body.of_bytes(b"<html>"), Body.of_json([1]), Body.of_json({"error": {"a": 1}})])
def test_an_error_of_another_shape_still_has_its_status(body):
    """A proxy on the way may speak HTML."""
    error = error_of(Reply(409, body))

    assert isinstance(error, PairMismatch)
    assert "409" in error.message


def test_statuses_that_no_step_gives():
    """A gateway on the way is 503, a step that wants a password is a defect of the deployment."""
    assert isinstance(error_of(reply(502, {})), Unavailable)
    assert isinstance(error_of(reply(401, {})), Broken)


class Answering:
    """A transport that gives one reply."""

    def __init__(self, given):
        self._given = given

    async def send(self, target, body, headers, deadline):
        """Answer."""
        return self._given

    async def aclose(self):
        """Hold nothing."""


async def test_a_graph_whose_last_step_gives_no_tensors_is_broken():
    """The graph document sends requests to something that is no step."""
    remote = RemoteGraph(Answering(reply(200, {"hello": "world"})), "http://graph")
    with pytest.raises(Broken, match="last step"):
        await remote.forecast(Body.of_json({"data": {"a": [1]}}))


def test_an_answer_over_grpc_that_nobody_can_read_is_broken():
    """The client sent nothing wrong."""
    with pytest.raises(Broken, match="last step"):
        answer_of(Reply(200, Body.of_answer(protocol.SealedResponse(outputs=[b"\xff"]))))


async def test_what_the_router_could_not_reach_is_in_the_log_once(caplog):
    """The router's cause names addresses: the log has it, the client does not."""
    cause = 'Post "http://10.0.0.7:80/v2": dial tcp: connection refused'
    remote = RemoteGraph(Answering(reply(500, {"error": "failed", "cause": cause})), "http://graph")
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await remote.forecast(Body.of_json({"data": {"a": [1]}}))
    lines = [record for record in caplog.records if record.name == "twinpin.gateway.pipeline"]

    assert "10.0.0.7" not in caught.value.message
    assert [(line.getMessage(), line.cause) for line in lines] == [
        ("a step behind the router cannot be reached", cause)
    ]

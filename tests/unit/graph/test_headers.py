"""PROPAGATE_HEADERS: patterns on canonical names, and some headers that never go on."""

import pytest

from twinpin.graph.headers import Propagation, canonical
from twinpin.graph.settings import Settings
from twinpin.graph.transport import Target

HEADERS = [("authorization", "t"), ("x-request-id", "1"), ("X-Request-Id", "2"), ("traceparent", "00")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("traceparent", "Traceparent"), ("X-REQUEST-ID", "X-Request-Id"), ("x_y-z1", "X_y-Z1"), ("x y", "x y"), ("", "")],
)
def test_names_are_compared_as_go_writes_them(name, expected):
    """Go's canonical form is what a pattern sees."""
    assert canonical(name) == expected


@pytest.mark.parametrize(
    ("patterns", "values"),
    [
        ([], []),
        (["X-Request"], ["1", "2"]),
        (["traceparent"], []),
        (["^Trace", "Auth", "Auth"], ["t", "00"]),
        (["[", "Trace"], ["00"]),
    ],
)
def test_patterns_choose(patterns, values):
    """Each header that any pattern finds goes on once, with all its values; a bad pattern chooses none."""
    assert [value for _, value in Propagation(patterns).select(HEADERS)] == values


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade"])
def test_headers_of_the_connection_stay(name):
    """Even a pattern for everything sends no header on that belongs to one connection or one body."""
    assert not Propagation(["."]).select([(name, "x")])


def test_patterns_come_from_one_setting():
    """The setting is written as KServe's: patterns with commas between, and empty means none."""
    assert Settings(propagate_headers="^X-,(?i)traceparent").patterns == ("^X-", "(?i)traceparent")
    assert Settings().patterns == ()


@pytest.mark.parametrize(
    ("target", "model", "version"),
    [
        (Target("http://h/v2/models/predict/infer?answer=request"), "predict", ""),
        (Target("http://h:8080/v2/models/predict/versions/12/infer"), "predict", "12"),
        (Target("http://predict-r1.ns.svc/infer"), "predict-r1", ""),
        (Target(service="predict"), "predict", ""),
        (Target("http://h/v1/models/m:predict"), "m:predict", ""),
        (Target("http://h/models"), "h", ""),
    ],
)
def test_model_of_a_target(target, model, version):
    """The model is named by the path of the address, else by the service, else by the host."""
    assert (target.model, target.version) == (model, version)

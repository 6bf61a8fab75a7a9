"""What is wrong with a graph is said in one sentence each, before any request."""

import pytest
from graphs import document

from twinpin.graph.check import check
from twinpin.graph.document import InvalidGraph
from twinpin.graph.executor import Executor
from twinpin.graph.inprocess import InProcess

URL = "http://a/v2/models/a/infer"
STEP = {"serviceUrl": URL, "dependency": "Hard"}
LAST = {"serviceUrl": URL, "data": "$response"}


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({"start": ("Sequence", [STEP])}, "it has no node 'root'"),
        ({"root": ("Sequence", [])}, "node 'root' has no steps"),
        ({"root": ("Sequence", [{"name": "a"}])}, "step 'a' of node 'root' names no target"),
        ({"root": ("Sequence", [STEP | {"serviceName": "b"}])}, "step 0 of node 'root' names more than one"),
        ({"root": ("Sequence", [STEP | {"name": "a"}] * 2)}, "two steps named 'a'"),
        ({"root": ("Sequence", [{"nodeName": "gone"}])}, "leads to node 'gone', which does not exist"),
        ({"root": ("Splitter", [STEP])}, "has no weight"),
        ({"root": ("Splitter", [STEP | {"weight": -1}, STEP | {"weight": 101}])}, "one below 0"),
        ({"root": ("Splitter", [STEP | {"weight": 40}, STEP | {"weight": 50}])}, "add up to 90, not to 100"),
        ({"root": ("Sequence", [{"nodeName": "root"}])}, "circle: root -> root"),
        (
            {"root": ("Switch", [{"nodeName": "b"}]), "b": ("Sequence", [{"nodeName": "root"}])},
            "circle: root -> b -> root",
        ),
        ({"root": ("Switch", [STEP | {"condition": "a.@keys"}])}, "the modifier @keys is not supported"),
        ({"root": ("Switch", [STEP | {"condition": "a.{b,c}"}])}, "a multipath {…} is not supported"),
        ({"root": ("Switch", [STEP | {"condition": "a.#(b"}])}, "has no closing bracket"),
        ({"root": ("Switch", [STEP | {"condition": "[a"}])}, "has no closing bracket"),
        ({"root": ("Switch", [STEP | {"condition": "!true"}])}, "a literal (!) is not supported"),
        ({"root": ("Switch", [STEP | {"condition": "..#"}])}, "JSON lines"),
        ({"root": ("Switch", [STEP | {"condition": "#(a>0x1f)"}])}, "write a decimal number"),
    ],
)
def test_mistakes_are_refused(nodes, sentence):
    """A graph that KServe refuses, or that could not end well, does not start here either."""
    with pytest.raises(InvalidGraph) as refused:
        Executor(document(nodes), InProcess([]))

    assert sentence in refused.value.message


def test_all_mistakes_are_said_at_once():
    """One start tells all that is to be mended."""
    with pytest.raises(InvalidGraph) as refused:
        check(document({"root": ("Sequence", [{"nodeName": "x"}]), "b": ("Splitter", [STEP])}))

    assert "'x'" in refused.value.message
    assert "no weight" in refused.value.message


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({"root": ("Sequence", [STEP, STEP | {"data": "$response.predictions"}])}, "which KServe ignores"),
        ({"root": ("Sequence", [STEP | {"data": "$response"}])}, "no step runs before it"),
        ({"root": ("Ensemble", [STEP | {"data": "$response"}])}, "in a Ensemble"),
        ({"root": ("Sequence", [{"serviceUrl": URL}, LAST])}, "is Soft"),
        ({"root": ("Sequence", [STEP | {"condition": "a"}])}, "every request ends in 500"),
        ({"root": ("Switch", [STEP])}, "never chooses it"),
        ({"root": ("Switch", [STEP | {"condition": "@this"}, STEP | {"condition": "a"}])}, "is never chosen"),
        ({"root": ("Ensemble", [STEP | {"condition": "a"}])}, "a Ensemble does not read"),
        ({"root": ("Switch", [STEP | {"mapPredictionsToInstances": True}])}, "mapPredictionsToInstances"),
        ({"root": ("Sequence", [STEP]), "b": ("Sequence", [STEP])}, "reached from nowhere"),
        ({"root": ("Sequence", [{"serviceUrl": "http://{x}/y"}])}, "cannot be called"),
    ],
)
def test_what_kserve_misreads_is_told(nodes, sentence):
    """What KServe takes in silence and does not do is a warning, and with strict an error."""
    graph = document(nodes)

    assert [each for each in check(graph) if sentence in each]
    with pytest.raises(InvalidGraph, match="cannot run"):
        check(graph, strict=True)


def test_step_limit_must_be_below_the_write_limit():
    """A step limit at or above serverWrite would have the router cut the connection instead of answering."""
    late = document({"root": ("Sequence", [STEP])}, routerTimeouts={"serviceClient": 60})
    early = document({"root": ("Sequence", [STEP])}, routerTimeouts={"serviceClient": 25})

    assert "not below serverWrite" in check(late)[0]
    assert check(early) == []


def test_a_wide_graph_is_checked_fast():
    """Many ways to the same nodes are no circle, and are not walked one by one."""
    ways = [{"nodeName": "n{}", "condition": str(place)} for place in range(8)]
    nodes = {
        f"n{level}" if level else "root": ("Switch", [way | {"nodeName": f"n{level + 1}"} for way in ways])
        for level in range(40)
    }

    assert check(document(nodes | {"n40": ("Sequence", [STEP])})) == []

"""Random graphs, bodies and conditions: KServe's router and our executor agree on all of them."""

import orjson
import pytest
from graphs import document as graph
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_graphs import bodies, graphs, paths
from versus import assert_contained, assert_same, both

from twinpin.graph import gjson
from twinpin.graph.gjson_path import unsupported

pytestmark = [pytest.mark.router, pytest.mark.timeout(900)]  # the first test may have to build the router

#: Each example starts a router, which takes 0.1 s.
BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


def has_ensemble(nodes):
    """Tell whether steps may run at the same time."""
    return any(kind == "Ensemble" for kind, _ in nodes.values())


@BOUNDED
@given(data=st.data(), sent=st.lists(bodies(), min_size=1, max_size=6))
def test_random_graphs_and_bodies(stubs, data, sent):
    """Whatever the graph and the body, the client gets the same status and body, and each step is asked the same."""
    nodes = data.draw(graphs(stubs))

    for real, own in both(graph(nodes), stubs, *sent):
        if has_ensemble(nodes):
            assert_contained(real, own)
        else:
            assert_same(real, own)


@BOUNDED
@given(
    conditions=st.lists(paths(), min_size=1, max_size=40, unique=True),
    sent=st.lists(bodies(), min_size=1, max_size=8),
)
def test_random_conditions(stubs, conditions, sent):
    """Whatever the GJSON path and the body, the same route is taken, unless ours refused the path at load."""
    supported = [path for path in conditions if unsupported(path) is None]
    assume(supported)
    nodes = {"root": ("Ensemble", [{"nodeName": f"c{place}"} for place in range(len(supported))])}
    for place, path in enumerate(supported):
        yes = {"serviceUrl": stubs.url("yes", {"met": 1}), "condition": path}
        no = {"serviceUrl": stubs.url("no", {"met": 0}), "condition": "@this"}
        nodes[f"c{place}"] = ("Switch", [yes, no])

    for body, (real, own) in zip(sent, both(graph(nodes), stubs, *sent), strict=True):
        assert own.status == real.status
        if real.status == 200:
            assert own.document == real.document, (supported, body)


@pytest.mark.parametrize(
    ("path", "text", "theirs"),
    [
        ("a.b", '{"a":{"b":1},"a":{}}', True),  # of two equal keys gjson reads the first, a JSON parser the last
        ("a|0", '{"a":"[1]"}', True),  # gjson finds brackets inside a text
    ],
)
def test_known_differences_of_conditions(stubs, path, text, theirs):
    """Ours differs on purpose where gjson reads text and not JSON: of two equal keys the last one counts."""
    yes = {"serviceUrl": stubs.url("yes", {"met": 1}), "condition": path}
    no = {"serviceUrl": stubs.url("no", {"met": 0}), "condition": "@this"}

    real, own = both(graph({"root": ("Switch", [yes, no])}), stubs, text.encode())[0]

    assert real.document == {"met": int(theirs)}
    assert own.document == {"met": int(gjson.exists(orjson.loads(text), path))}


@pytest.mark.parametrize("text", [b'"\xff"', b'{"a":"\\ud800"}', b'{"a":1e999}'])
def test_known_differences_of_json(stubs, text):
    """Ours differs on purpose: text that is not UTF-8, or a number beyond a double, is no JSON to us."""
    document = graph({"root": ("Switch", [{"serviceUrl": stubs.url("any", {}), "condition": "@this"}])})

    real, own = both(document, stubs, text)[0]

    assert (real.status, own.status) == (200, 404)

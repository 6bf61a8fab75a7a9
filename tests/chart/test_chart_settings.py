"""What the chart tells a container is what the product takes."""

import re

import pytest
import yaml

from twinpin.features.settings import Settings as Features
from twinpin.follow.settings import Settings as Follow
from twinpin.gateway.settings import RemoteSettings as Remote
from twinpin.gateway.settings import Settings as Gateway
from twinpin.graph.check import check
from twinpin.graph.document import builtin, load
from twinpin.graph.settings import Settings as Graph
from twinpin.pair.settings import Settings as Pair
from twinpin.predict.settings import Settings as Predict
from twinpin.preprocess.settings import Settings as Preprocess
from twinpin.rollout.settings import FaceSettings as Face
from twinpin.rollout.settings import Settings as Rollout
from twinpin.settings import entries
from twinpin.step import telemetry
from twinpin.step.settings import Settings as Server

#: Words of a command -> the settings that it takes.
TAKES = {
    "resolve": (Pair,),
    "step features": (Features, Server),
    "step preprocess": (Pair, Preprocess, Server),
    "step predict": (Pair, Predict, Server),
    "controller": (Rollout, Face, Pair),
    "gateway": (Gateway, Remote, Graph, Server),
    "serve": (Server, Gateway, Graph, Pair, Follow, Features, Preprocess, Predict),
}


def refused(command, environment):
    """List the variables that a command does not know, or whose value it would not take."""
    known = {entry.variable: entry for settings in TAKES[command] for entry in entries(settings)}
    for name, value in environment.items():
        if not name.startswith("TWINPIN_"):
            continue
        if name not in known:
            yield name
        elif known[name].type is bool:
            if value not in {"true", "false"}:
                yield name
        else:
            kind = known[name].type
            kind.convert(value, None, None) if hasattr(kind, "convert") else kind(value)


def test_containers_are_told_what_their_command_takes(environments):
    """A variable that nobody reads is a setting that does nothing."""
    wrong = [
        (command, name)
        for words, environment in environments
        if (command := " ".join(words)) in TAKES
        for name in refused(command, environment)
    ]

    assert wrong == []


def test_the_pair_is_named_by_variables_that_resolve_takes(objects):
    """They come from a ConfigMap, all of them."""
    known = {entry.variable for entry in entries(Pair)}
    pairs = [found["data"] for (kind, name), found in objects.items() if kind == "ConfigMap" and name.endswith("-pair")]

    assert len(pairs) == 1
    assert set(pairs[0]) <= known


@pytest.mark.parametrize("mode", ["graph", "direct"])
def test_the_graph_is_the_one_that_the_product_ships(chart, mode):
    """Nodes, conditions and order are the same; only the hosts differ."""

    def without_hosts(document):
        text = yaml.safe_dump(document.data()["spec"]["nodes"])
        return yaml.safe_load(re.sub(r"http://[^/]+/", "http://host/", text))

    objects = chart.objects("graph", {"gateway": {"mode": mode}})
    copy = load(objects["ConfigMap", "forecast-graph"]["data"]["graph.yaml"])

    assert without_hosts(copy) == without_hosts(builtin())
    assert check(copy, strict=True) == []


def test_the_gateways_copy_is_what_the_object_says_of_requests(chart):
    """In mode graph, where both lead to the same Services; how the router's pods run is left out."""
    objects = chart.objects("graph")
    copy = yaml.safe_load(objects["ConfigMap", "forecast-graph"]["data"]["graph.yaml"])
    graph = objects["InferenceGraph", "forecast"]
    told = {name: graph["spec"][name] for name in ("routerTimeouts", "nodes")}

    assert copy == {**graph, "metadata": {"name": "forecast"}, "spec": told}


def test_keda_asks_for_a_metric_that_there_is(chart):
    """A query for another word would scale to the minimum for ever."""
    objects = chart.objects("keda")
    queries = [
        trigger["metadata"]["query"]
        for (kind, _), found in objects.items()
        if kind == "ScaledObject"
        for trigger in found["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    (sample,) = {family.name for family in telemetry.IN_FLIGHT.collect()}

    assert len(queries) == 3
    assert all(f"sum({sample}{{" in query for query in queries)

"""The graph that a route is written as, and what is read back from one."""

import pytest

from twinpin.graph.check import check
from twinpin.graph.document import InferenceGraph, builtin
from twinpin.rollout.kube_front import read_front, reference, written
from twinpin.rollout.routes import mentions, parse_route, render
from twinpin.rollout.snapshot import Route
from twinpin.rollout.template import MARK, BadTemplate, Template

A, B = "p1-m1-aaaaaa", "p2-m2-bbbbbb"
OWNER = reference("f", "u1")


@pytest.fixture
def template():
    """The built-in graph with addresses as the chart makes them."""
    text = builtin().text()
    for step in ("preprocess", "predict"):
        text = text.replace(f"http://{step}/", f"http://f-{step}-{MARK}-predictor.ns.svc/")
    return Template(f"{{kind: Service, metadata: {{name: f-{MARK}}}}}", text.replace("name: forecast", "name: f", 1))


def chains(document, branch):
    """Follow a branch of the root to the addresses at the end of each way, with the share of each."""
    nodes = document.spec.nodes

    def ends(step, share):
        """List addresses below a step."""
        if not step.node_name:
            return [(step.service_url, share)]
        node = nodes[step.node_name]
        if node.router_type == "Splitter":
            return [end for each in node.steps for end in ends(each, each.weight)]
        return [end for each in node.steps for end in ends(each, share)]

    return ends(next(step for step in nodes["root"].steps if step.name == branch), 100)


def test_a_canary_is_a_graph_that_kserve_takes(template):
    """Nothing in it is refused or misread."""
    document = InferenceGraph.model_validate(render(template, Route(A, B, 10)))

    assert check(document, strict=True) == []


@pytest.mark.parametrize("branch", ["entities", "data", "inputs", "other"])
def test_every_branch_of_a_canary_leads_through_two_whole_chains(template, branch):
    """No chain names the other's rollout, and shares are as asked."""
    ends = chains(InferenceGraph.model_validate(render(template, Route(A, B, 10))), branch)

    assert {share for _, share in ends} == {90, 10}
    assert all((A in url) == (share == 90) for url, share in ends if "features" not in url)
    assert all((B in url) == (share == 10) for url, share in ends if "features" not in url)


def test_a_root_that_is_no_switch_is_split_itself():
    """The whole graph stands there twice, under one Splitter."""
    graph = f"{{spec: {{nodes: {{root: {{routerType: Sequence, steps: [{{serviceUrl: http://f-{MARK}/}}]}}}}}}}}"

    nodes = render(Template("", graph), Route(A, B, 25))["spec"]["nodes"]

    assert [step["weight"] for step in nodes["root"]["steps"]] == [75, 25]
    assert A in nodes["root-stable"]["steps"][0]["serviceUrl"]
    assert B in nodes["root-canary"]["steps"][0]["serviceUrl"]


@pytest.mark.parametrize("route", [Route("r1"), Route(A), Route(A, B, 10)])
def test_a_route_is_read_back_as_it_was_written(template, route):
    """Its label, its nodes and its addresses say the same."""
    found = written(template, route, OWNER)
    found["metadata"] |= {"resourceVersion": "7", "generation": 2}

    front = read_front("f", found, template)

    assert (front.route, front.current, front.edited, front.version) == (route, True, False, "7")
    assert front.mentions == route.rollouts
    assert parse_route(route.label) == route


def test_a_graph_of_the_chart_is_taken_over_without_a_write(template):
    """Before there was a controller nothing was annotated; the addresses say which rollout it is."""
    found = render(template, Route("r1"))
    found["metadata"] |= {"resourceVersion": "7"}

    front = read_front("f", found, template)

    assert front.follows(Route("r1"))


def test_a_graph_that_somebody_wrote_is_known_as_that(template):
    """Its route is nobody's, and the rollouts that it names still count as used."""
    found = written(template, Route(A), OWNER)
    found["metadata"] |= {"resourceVersion": "7"}
    found["spec"] = render(template, Route(B))["spec"]

    front = read_front("f", found, template)

    assert front.edited
    assert front.route is None
    assert front.mentions == {B}


def test_a_new_template_is_no_edit(template):
    """What was written before an upgrade is ours, and behind."""
    found = written(template, Route(A), OWNER)
    found["metadata"] |= {"resourceVersion": "7"}
    newer = Template(template.manifests, template.graph.replace("condition: inputs", "condition: tensors"))

    front = read_front("f", found, newer)

    assert (front.route, front.current, front.edited) == (Route(A), False, False)


def test_rollouts_are_found_in_any_graph(template):
    """By the template's addresses, and by the form of a pair's id where the template has changed."""
    assert mentions(template, '"http://f-predict-r1-predictor.ns.svc/x"') == {"r1"}
    assert mentions(template, f'"http://elsewhere-{B}.ns"') == {B}
    assert mentions(template, '"http://elsewhere-p3fa9c1.ns"') == {"p3fa9c1"}
    assert mentions(template, '"http://f-features-predictor.ns.svc/x"') == set()


def test_a_template_whose_rollouts_would_share_an_object_is_refused():
    """Each object carries the mark in its name."""
    shared = Template(f"{{kind: Service, metadata: {{name: f, labels: {{r: {MARK}}}}}}}", "")

    with pytest.raises(BadTemplate, match="does not carry"):
        shared.documents(A)


@pytest.mark.parametrize(
    ("release", "namespace", "called"),
    [
        ("demand", "n" * 21, "p7-m12-3fa9c1"),
        ("demand", "n" * 22, "p3fa9c1"),
        ("d" * 23, "n", "p7-m12-3fa9c1"),  # here it is the label `isvc.<name>-predictor`
        ("d" * 24, "n", "p3fa9c1"),
    ],
)
def test_a_rollout_is_called_after_its_pair_where_kserve_has_room(release, namespace, called):
    """Versions grow: a name that fitted yesterday must not stop the rollout of tomorrow."""
    services = (
        f"{{kind: InferenceService, metadata: {{name: {release}-{part}-{MARK}}}}}" for part in ("s", "preprocess")
    )

    assert Template("\n---\n".join(services), "").name_rollout("p7-m12-3fa9c1", namespace) == called


def test_what_did_not_change_in_a_template_keeps_its_digest():
    """An upgrade of one object leaves the pods of the others alone."""
    one, other = (f"{{kind: Service, metadata: {{name: {name}-{MARK}}}, spec: {name}}}" for name in "ab")
    before = Template(f"{one}\n---\n{other}", "").digests(A)
    after = Template(f"{one}\n---\n{other.replace('spec: b', 'spec: c')}", "").digests(A)

    assert before["Service", f"a-{A}"] == after["Service", f"a-{A}"]
    assert before["Service", f"b-{A}"] != after["Service", f"b-{A}"]

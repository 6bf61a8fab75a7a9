"""The InferenceGraph document: what goes in comes out, and mistakes are named by place."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twinpin.graph.check import check
from twinpin.graph.document import InvalidGraph, builtin, load

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
#: Values of fields that this model does not know: resources, affinity, annotations, status.
FOREIGN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | WORDS | st.just("2026-01-31T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)


def part(fields, **known):
    """An object with any of the known fields, and at times one that is foreign."""
    foreign = st.dictionaries(WORDS.map(lambda word: "x" + word), FOREIGN, max_size=1)
    return st.tuples(st.fixed_dictionaries(fields, optional=known), foreign).map(lambda pair: pair[1] | pair[0])


STEP = part(
    {},
    name=WORDS,
    nodeName=WORDS,
    serviceName=WORDS,
    serviceUrl=WORDS,
    data=WORDS,
    mapPredictionsToInstances=st.booleans(),
    weight=st.integers(0, 100),
    condition=WORDS,
    dependency=st.sampled_from(["Soft", "Hard"]),
)
NODE = part(
    {"routerType": st.sampled_from(["Sequence", "Splitter", "Ensemble", "Switch"])}, steps=st.lists(STEP, max_size=2)
)
SPEC = part(
    {"nodes": st.dictionaries(WORDS, NODE, max_size=3)},
    routerTimeouts=part({}, serverRead=st.integers(1, 99), serviceClient=st.integers(1, 99)),
    timeout=st.integers(1, 99),
    minReplicas=st.integers(0, 9),
    resources=FOREIGN,
)
DOCUMENT = part(
    {
        "apiVersion": st.just("serving.kserve.io/v1alpha1"),
        "kind": st.just("InferenceGraph"),
        "metadata": st.dictionaries(WORDS, FOREIGN, max_size=2),
        "spec": SPEC,
    }
)


@given(DOCUMENT)
def test_any_document_comes_out_as_it_went_in(document):
    """Known and unknown fields survive reading and writing, and no default is added."""
    text = yaml.safe_dump(document, allow_unicode=True)

    assert load(text).data() == document
    assert load(load(text).text()).data() == document


def test_times_stay_text():
    """A creationTimestamp is text, as it is to Kubernetes, so that the document can be written as JSON."""
    graph = load("kind: InferenceGraph\nmetadata: {creationTimestamp: 2026-01-31T12:00:00Z}\nspec: {nodes: {}}")

    assert graph.metadata["creationTimestamp"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Deployment\nspec: {nodes: {}}", "kind: Input should be 'InferenceGraph'"),
        ("kind: InferenceGraph", "spec: Field required"),
        ("kind: InferenceGraph\nspec: {nodes: {root: {routerType: Chain}}}", "spec.nodes.root.routerType"),
        ("spec: {nodes: {root: {routerType: Sequence, steps: [{weight: '3'}]}}}", "steps.0.weight"),
        ("spec: {nodes: {root: {routerType: Sequence, steps: [{dependency: hard}]}}}", "steps.0.dependency"),
        ("- 1", "document: "),
        ("", "document: "),
        ("a: [", "not YAML"),
    ],
)
def test_form_errors_name_the_place(text, message):
    """A document of another form is refused with the path of each mistake."""
    with pytest.raises(InvalidGraph, match="the graph is not") as refused:
        load(text)

    assert message in refused.value.message


def test_missing_file_is_said_plainly(tmp_path: Path):
    """A path without a file is an error of the graph, not a stack trace."""
    with pytest.raises(InvalidGraph, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_builtin_graph_is_without_doubt():
    """The graph that is shipped has no mistake and nothing that KServe would misread."""
    graph = builtin()

    assert check(graph, strict=True) == []
    assert all(step.hard for _, _, step in graph.steps())

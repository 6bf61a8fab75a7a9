"""Check: what is wrong with a graph document, in sentences that say what to change."""

import logging
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from twinpin.graph.document import RESPONSE, ROOT, GraphStep, InferenceGraph, InvalidGraph, Node
from twinpin.graph.gjson_path import unsupported
from twinpin.graph.transport import Target

log = logging.getLogger(__name__)

_HUNDRED = 100
#: Seconds of KServe's router to write an answer, where the document does not say.
_SERVER_WRITE = 60


def check(document: InferenceGraph, *, strict: bool = False) -> list[str]:
    """Raise InvalidGraph for a graph that cannot run; return, and log, what KServe would silently misread.

    With *strict* the latter raises too.
    """
    mistakes, doubts = list(errors(document)), list(warnings(document))
    if strict:
        mistakes += doubts
    if mistakes:
        raise InvalidGraph(f"graph {document.name!r} cannot run: " + "; ".join(mistakes))
    for each in doubts:
        log.warning("graph %r: %s", document.name, each)
    return doubts


def errors(document: InferenceGraph) -> Iterator[str]:
    """List what KServe refuses when the document is applied, and what its router would die or hang of."""
    nodes = document.spec.nodes
    if ROOT not in nodes:
        yield f"it has no node {ROOT!r}; name the first node so"
    for name, node in nodes.items():
        if not node.steps:
            yield f"node {name!r} has no steps"
        names = [step.name for step in node.steps if step.name]
        for twice in sorted({each for each in names if names.count(each) > 1}):
            yield f"node {name!r} has two steps named {twice!r}"
        if node.router_type == "Splitter":
            yield from _weights(name, node)
    for name, place, step in document.steps():
        for mistake in _step_errors(document, step):
            yield f"{_where(name, place, step)} {mistake}"
    if cycle := _cycle(document):
        yield "its nodes run in a circle: " + " -> ".join(cycle)


def warnings(document: InferenceGraph) -> Iterator[str]:
    """List what KServe takes without a word and does not do."""
    for name, place, step in document.steps():
        node = document.spec.nodes[name]
        for doubt in _step_warnings(node, place, step):
            yield f"{_where(name, place, step)} {doubt}"
    for name in sorted(set(document.spec.nodes) - _reached(document)):
        yield f"node {name!r} is reached from nowhere"
    timeouts = document.spec.router_timeouts
    if timeouts and timeouts.service_client is not None:
        write = _SERVER_WRITE if timeouts.server_write is None else timeouts.server_write
        if timeouts.service_client >= write:
            yield (
                f"routerTimeouts.serviceClient ({timeouts.service_client} s) is not below serverWrite ({write} s), "
                "so the router cuts the connection before it can say that a step was late"
            )


def _where(node: str, place: int, step: GraphStep) -> str:
    """Name a step by its name, else by its place."""
    return f"step {step.name!r} of node {node!r}" if step.name else f"step {place} of node {node!r}"


def _weights(name: str, node: Node) -> Iterator[str]:
    """A Splitter shares out exactly a hundred."""
    if any(step.weight is None or step.weight < 0 for step in node.steps):
        yield f"a step of Splitter {name!r} has no weight, or one below 0"
    elif (total := sum(step.weight or 0 for step in node.steps)) != _HUNDRED:
        yield f"the weights of Splitter {name!r} add up to {total}, not to {_HUNDRED}"


def _step_errors(document: InferenceGraph, step: GraphStep) -> Iterator[str]:
    """One target, which exists, and a condition that can be read."""
    targets = [each for each in (step.node_name, step.service_name, step.service_url) if each]
    if not targets:
        yield "names no target; give it one of nodeName, serviceName, serviceUrl"
    elif len(targets) > 1:
        yield "names more than one of nodeName, serviceName, serviceUrl"
    if step.node_name and step.node_name not in document.spec.nodes:
        yield f"leads to node {step.node_name!r}, which does not exist"
    if step.condition and (reason := unsupported(step.condition)):
        yield f"has the condition {step.condition!r}: {reason}"


def _step_warnings(node: Node, place: int, step: GraphStep) -> Iterator[str]:
    """What the router reads over, or takes for something else."""
    kind = node.router_type
    if step.service_url and not Target(step.service_url).valid:
        yield f"has the serviceUrl {step.service_url!r}, which cannot be called: every request to it ends in 500"
    if step.data not in {"", "$request", RESPONSE}:
        yield f"has data {step.data!r}, which KServe ignores: it gets the node's own input; only {RESPONSE} is read"
    elif step.data == RESPONSE and (place == 0 or kind != "Sequence"):
        yield f"has data {RESPONSE}, but no step runs before it in a {kind}; it gets the node's own input"
    if step.condition and kind in {"Splitter", "Ensemble"}:
        yield f"has a condition, which a {kind} does not read"
    if kind == "Switch" and not step.condition:
        yield "has no condition, so this Switch never chooses it; '@this' takes every body"
    if kind == "Switch" and "@this" in [each.condition for each in node.steps[:place]]:
        yield "is never chosen: a step before it takes every body (@this)"
    if kind == "Sequence" and place == 0 and step.condition:
        yield "has a condition with no answer before it to look into, so every request ends in 500"
    if kind == "Sequence" and not step.hard and place < len(node.steps) - 1:
        yield "is Soft, so an error that it answers is fed to the next step; write dependency: Hard"
    if step.map_predictions_to_instances and kind != "Sequence":
        yield f"has mapPredictionsToInstances, which a {kind} does not read"


def _targets(document: InferenceGraph, node: str) -> list[str]:
    """Name the nodes that a node leads to."""
    if node not in document.spec.nodes:
        return []
    return [step.node_name for step in document.spec.nodes[node].steps if step.node_name]


def _reached(document: InferenceGraph) -> set[str]:
    """Name the nodes that a request can come to."""
    waiting, seen = [ROOT], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _targets(document, name)
    return seen


def _cycle(document: InferenceGraph) -> list[str]:
    """Find one circle of nodes, its first node again at its end; empty: there is none."""
    try:
        TopologicalSorter({name: _targets(document, name) for name in document.spec.nodes}).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []

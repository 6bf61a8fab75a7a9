"""Plan: the document made ready to run, once, when it is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from twinpin.graph.condition import Condition
from twinpin.graph.document import RESPONSE, GraphStep, InferenceGraph, Node
from twinpin.graph.transport import Target


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step, its texts read."""

    #: Its name, else its place in the node: the key of an Ensemble's answer.
    name: str
    #: The node that it leads to, or None for a step that a target answers.
    node: str | None
    target: Target
    #: None: no condition is written; in a Switch none reads as the empty path, which is the key "".
    condition: Condition | None
    hard: bool
    #: Whether it gets the answer of the step before instead of the node's own input.
    chained: bool
    maps_predictions: bool
    weight: int


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One router."""

    name: str
    kind: Literal["Sequence", "Splitter", "Ensemble", "Switch"]
    steps: tuple[PlannedStep, ...]


Plan: TypeAlias = Mapping[str, PlannedNode]


def plan(document: InferenceGraph) -> Plan:
    """Read every condition and target of a checked document."""
    return {
        name: PlannedNode(
            name, node.router_type, tuple(_step(node, place, step) for place, step in enumerate(node.steps))
        )
        for name, node in document.spec.nodes.items()
    }


def _step(node: Node, place: int, step: GraphStep) -> PlannedStep:
    """Read one step."""
    name = step.name or str(place)
    return PlannedStep(
        name=name,
        node=step.node_name or None,
        target=Target(step.service_url, step.service_name, name),
        condition=Condition(step.condition) if step.condition or node.router_type == "Switch" else None,
        hard=step.hard,
        chained=step.data == RESPONSE and place > 0,
        maps_predictions=step.map_predictions_to_instances,
        weight=step.weight or 0,
    )

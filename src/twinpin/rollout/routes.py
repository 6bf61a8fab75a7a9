"""Routes: what a graph's document says for a route, and which rollouts a document names.

For a canary both chains stand whole in one document. A root Switch stays the root, since KServe's router answers 404 to
malformed JSON only there; each branch of it leads through a Splitter to its stable or its canary chain. Any other root
becomes a Splitter itself.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from twinpin.graph.document import ROOT, InferenceGraph
from twinpin.rollout.snapshot import Route
from twinpin.rollout.template import MARK, Template

#: Annotation with the label of the route that a graph was written for.
ROUTE = "twinpin.dev/route"
#: Annotation with the digest of the nodes that were written.
WRITTEN = "twinpin.dev/written"

#: A rollout named for its pair, wherever it stands: whole, or by the pair's digest alone.
PAIR_NAMED = re.compile(r"(?<![a-z0-9])p(?:\d+-m\d+-)?[0-9a-f]{6}(?![a-z0-9])")

Nodes = Mapping[str, Any]


def render(template: Template, route: Route) -> dict[str, Any]:
    """Make the graph's document for a route."""
    document = template.document(route.stable).data()
    if route.canary is None:
        return document
    stable, canary = document["spec"]["nodes"], template.document(route.canary).data()["spec"]["nodes"]
    document["spec"]["nodes"] = _both(stable, canary, route.percent)
    return document


def plain(nodes: Nodes) -> Nodes:
    """Strip nodes of what says nothing, so that two ways to write the same compare equal."""
    graph = InferenceGraph.model_validate({"spec": {"nodes": nodes}})
    found: Nodes = graph.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True).get("nodes", {})
    return found


def mentions(template: Template, text: str) -> frozenset[str]:
    """List the rollouts that a graph's JSON or YAML names, by the template's addresses or as pairs' ids."""
    names = set(PAIR_NAMED.findall(text))
    for pattern in _addresses(template):
        names |= set(pattern.findall(text))
    return frozenset(names)


def parse_route(label: str) -> Route | None:
    """Read a route's label; None where it is none."""
    match = re.fullmatch(r"([^=,]+)(?:=\d+,([^=,]+)=(\d+))?", label)
    if match is None:
        return None
    return Route(match[1], match[2], int(match[3])) if match[2] else Route(match[1])


def _addresses(template: Template) -> Iterator[re.Pattern[str]]:
    """Turn each address of the template that carries the mark into a pattern that finds the rollout in it."""
    for _, _, step in template.document(MARK.strip("@").lower()).steps():
        host = re.sub(r"^https?://", "", step.service_url).partition(".")[0].partition("/")[0]
        before, mark, after = host.partition(MARK.strip("@").lower())
        if mark:
            yield re.compile(rf"//{re.escape(before)}([a-z0-9][-a-z0-9]*?){re.escape(after)}[./:]")


def _both(stable: Nodes, canary: Nodes, percent: int) -> dict[str, Any]:
    """Put two chains of one form side by side."""
    nodes: dict[str, Any] = {}
    for name in stable:
        if name != ROOT or stable[ROOT]["routerType"] != "Switch":
            nodes[f"{name}-stable"] = _renamed(stable[name], "stable")
            nodes[f"{name}-canary"] = _renamed(canary[name], "canary")
    if stable[ROOT]["routerType"] != "Switch":
        return {ROOT: _splitter({"nodeName": f"{ROOT}-stable"}, {"nodeName": f"{ROOT}-canary"}, percent), **nodes}
    steps: list[dict[str, Any]] = []
    for left, right in zip(stable[ROOT]["steps"], canary[ROOT]["steps"], strict=True):
        name = f"split-{left.get('nodeName') or left.get('name') or len(steps)}"
        nodes[name] = _splitter(_target(left, "stable"), _target(right, "canary"), percent)
        steps.append({**{key: left[key] for key in left if key not in _TARGETS}, "nodeName": name})
    return {ROOT: {**stable[ROOT], "steps": steps}, **nodes}


_TARGETS = ("nodeName", "serviceName", "serviceUrl")


def _target(step: Mapping[str, Any], side: str) -> dict[str, Any]:
    """Take where a step leads, on one side."""
    target = {key: step[key] for key in _TARGETS if step.get(key)}
    return {**target, "nodeName": f"{target['nodeName']}-{side}"} if "nodeName" in target else target


def _splitter(left: Mapping[str, Any], right: Mapping[str, Any], percent: int) -> dict[str, Any]:
    """Share requests out."""
    return {
        "routerType": "Splitter",
        "steps": [
            {"name": "stable", **left, "weight": 100 - percent, "dependency": "Hard"},
            {"name": "canary", **right, "weight": percent, "dependency": "Hard"},
        ],
    }


def _renamed(node: Mapping[str, Any], side: str) -> dict[str, Any]:
    """Let a node of one chain lead to nodes of the same chain alone."""
    steps = [
        {**step, "nodeName": f"{step['nodeName']}-{side}"} if step.get("nodeName") else step for step in node["steps"]
    ]
    return {**node, "steps": steps}

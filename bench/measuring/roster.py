"""Roster: every server of the bench by name, and with which floor each is compared."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from measuring import peers
from measuring.place import Place
from measuring.servers import Server, floor, graph, one_process

Start = Callable[[Place], AbstractContextManager[Server]]

FLOORS: dict[str, Start] = {
    "floor": floor,
    "floor_scalars": partial(floor, store="scalars"),
    "floor_compact": partial(floor, store="packed"),
    "floor_flat": partial(floor, store="packed", trees="flat"),
}
TWINPIN: dict[str, Start] = {
    "serve": one_process,
    "serve_scalars": partial(one_process, service="scalar_features"),
    "graph": partial(graph, mode="graph"),
    "graph_scalars": partial(graph, mode="graph", service="scalar_features"),
    "direct": partial(graph, mode="direct"),
}
PEERS: dict[str, Start] = {
    **{name: partial(peers.peer, name=name) for name in peers.COMMANDS},
    "kserve": peers.kserve,
}
SERVERS = {**FLOORS, **TWINPIN, **PEERS}
GROUPS = {"own": [*FLOORS, *TWINPIN], "all": [*SERVERS]}
#: Those that stand on KServe's router.
ROUTED = {"graph", "graph_scalars", "kserve"}


def chosen(text: str) -> list[str]:
    """Read a list of servers or groups, each server once."""
    names = [name for word in text.split(",") for name in GROUPS.get(word, [word])]
    if unknown := [name for name in names if name not in SERVERS]:
        raise SystemExit(f"no such server: {', '.join(unknown)}; there are {', '.join([*GROUPS, *SERVERS])}")
    return [*dict.fromkeys(names)]


def baseline(name: str, kind: str) -> str:
    """Return the floor of the same work: scalars against scalars, many windows against the leanest store of them."""
    if name.endswith("_scalars") or name in PEERS:
        return "floor_scalars"
    return "floor_compact" if kind == "entities_100" else "floor"

"""Graphs, bodies and GJSON paths for property tests, small enough to read when one fails."""

import json
from typing import Any

from hypothesis import strategies as st
from stub_steps import StubSteps

KEYS = ["a", "b", "ab", "predictions", "instances", "a.b", "x y", "é", "0", ""]
#: No braces in text: gjson would look for a path's keys inside a string that stands where an object should.
SCALARS = st.sampled_from([None, True, False, 0, 1, -1, 2.5, "", "a", "b", "true", "1", "a*b", "é", "zz"])
CONDITIONS = ["", "@this", "a", "b.a", "predictions.#", 'predictions.#(a=="a")', '[@this].#(a=="b")', "a*", "nothing"]


def values() -> st.SearchStrategy[Any]:
    """Any JSON value of a few levels."""
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
        max_leaves=8,
    )


def bodies() -> st.SearchStrategy[bytes]:
    """What clients send: mostly JSON, at times not."""
    texts = values().map(lambda value: json.dumps(value).encode())
    return st.one_of(texts, texts, texts, st.sampled_from([b"", b"{", b"no json", b"\x00\xff", b"[1,]"]))


@st.composite
def graphs(draw: st.DrawFn, stubs: StubSteps) -> dict[str, Any]:
    """Nodes of a graph without circles: each leads only to nodes after it."""
    count = draw(st.integers(1, 4))
    names = ["root", *(f"n{place}" for place in range(1, count))]
    return {name: draw(_node(stubs, names[place + 1 :])) for place, name in enumerate(names)}


@st.composite
def _node(draw: st.DrawFn, stubs: StubSteps, after: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """One router with one to three steps."""
    kind = draw(st.sampled_from(["Sequence", "Sequence", "Sequence", "Switch", "Splitter", "Ensemble"]))
    steps = [draw(_step(stubs, after, kind)) for _ in range(draw(st.integers(1, 3)))]
    for place, step in enumerate(steps):
        if draw(st.booleans()):
            step["name"] = f"s{place}"
    if kind == "Splitter":  # all to one: the draw of the real router cannot be chosen
        chosen = draw(st.integers(0, len(steps) - 1))
        for place, step in enumerate(steps):
            step["weight"] = 100 if place == chosen else 0
    return kind, steps


@st.composite
def _step(draw: st.DrawFn, stubs: StubSteps, after: list[str], kind: str) -> dict[str, Any]:
    """One step; in an Ensemble always Soft, since the router races a failed Hard step against one without an object."""
    step: dict[str, Any] = {}
    if after and draw(st.booleans()):
        step["nodeName"] = draw(st.sampled_from(after))
    else:
        step["serviceUrl"] = draw(_url(stubs, kind))
    for field, choices in {
        "data": ["$response", "$response", "$request", "$response.predictions"],
        "condition": CONDITIONS,
        "dependency": ["Soft", "Hard", "Hard"] if kind != "Ensemble" else ["Soft"],
        "mapPredictionsToInstances": [True, False],
    }.items():
        if draw(st.booleans()) or (field == "condition" and kind == "Switch"):
            step[field] = draw(st.sampled_from(choices))
    return step


@st.composite
def _url(draw: st.DrawFn, stubs: StubSteps, kind: str) -> str:
    """The address of a stub that answers by a rule of its own."""
    name = draw(st.sampled_from(["p", "q", "r"]))
    status = draw(st.sampled_from([200, 200, 200, 201, 400, 409, 503]))
    does = draw(st.sampled_from(["wrap", "echo", "text", "text", "json"]))
    if does in {"wrap", "echo"}:
        return stubs.url(name, does=does, status=status)
    if does == "json" or kind == "Ensemble":
        return stubs.url(name, {"predictions": draw(st.lists(values(), max_size=2)), "a": 1}, status=status)
    return stubs.url(name, text=draw(bodies().map(lambda body: body.decode("latin-1"))), status=status)


@st.composite
def paths(draw: st.DrawFn, depth: int = 2) -> str:
    """A GJSON path of one to three components."""
    text = draw(_component(depth))
    for _ in range(draw(st.integers(0, 2))):
        text += draw(st.sampled_from("...|")) + draw(_component(depth))
    return text


@st.composite
def _component(draw: st.DrawFn, depth: int) -> str:
    """One component: a key, an index, a pattern, a query, a multipath."""
    plain = ["a", "b", "ab", "predictions", "0", "1", "#", "@this", "a*", "*", "?", "a\\.b", "x y", "é", "\\a", "@none"]
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(plain))
    if draw(st.booleans()):
        return "[" + ",".join(draw(st.lists(paths(depth - 1), min_size=1, max_size=2))) + "]"
    operator = draw(st.sampled_from(["", "==", "=", "!=", "<", "<=", ">", ">=", "%", "!%"]))
    value = draw(st.sampled_from(['"a"', "1", "0", "true", "null", '"true"', "~true", "~false", "~null", "~*", '"a*"']))
    query = draw(st.just("") | paths(depth - 1)) + (operator + value if operator else "")
    return f"#({query})" + draw(st.sampled_from(["", "#"]))

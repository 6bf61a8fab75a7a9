"""Row by row: what KServe's router does with a graph, our executor does with the same graph over the same steps.

The rows are the fourteen behaviours that the router's own unit tests fix, and what its source does beside them. Where
ours differs on purpose, the test says so.
"""

import orjson
import pytest
from graphs import document as graph
from versus import assert_contained, assert_same, both, sent

pytestmark = [pytest.mark.router, pytest.mark.timeout(900)]  # the first test may have to build the router

RESPONSE = "$response"


def body(value):
    """Write JSON."""
    return orjson.dumps(value)


def one(document, stubs, value, **more):
    """Take one body through both."""
    return both(document, stubs, body(value), **more)[0]


def test_chain_hands_the_answer_on_and_maps_predictions(stubs):
    """A Sequence gives the second step the first one's answer; predictions become instances where asked."""
    document = graph(
        {
            "root": (
                "Sequence",
                [
                    {"serviceUrl": stubs.url("one", {"predictions": "1"}), "mapPredictionsToInstances": True},
                    {"serviceUrl": stubs.url("two", {"predictions": "2"}), "data": RESPONSE},
                ],
            )
        }
    )

    real, own = one(document, stubs, {"predictions": ["a", "b"]})

    assert real.asked == [("one", {"instances": ["a", "b"]}), ("two", {"predictions": "1"})]
    assert real.document == {"predictions": "2"}
    assert_same(real, own)


def test_ensemble_merges_by_name_and_else_by_index(stubs):
    """An Ensemble answers an object with one key for each step."""
    steps = [
        {"name": "a", "serviceUrl": stubs.url("one", {"predictions": "1"})},
        {"serviceUrl": stubs.url("two", {"predictions": "2"}, status=404)},
        {"name": "c", "serviceUrl": stubs.url("three", text="null")},
    ]

    real, own = one(graph({"root": ("Ensemble", steps)}), stubs, {"instances": [1]})

    assert real.document == {"a": {"predictions": "1"}, "1": {"predictions": "2"}, "c": None}
    assert (own.status, own.document) == (real.status, real.document)
    assert_contained(real, own)


def animals(stubs):
    """A Sequence of a Switch and, for dogs alone, an Ensemble."""

    def label(name):
        return {"predictions": [{"label": name, "score": [0.1, 0.9]}]}

    return graph(
        {
            "root": (
                "Sequence",
                [
                    {"name": "kind", "nodeName": "kind"},
                    {"name": "breed", "nodeName": "breed", "condition": 'predictions.#(label=="dog")'},
                ],
            ),
            "kind": (
                "Switch",
                [
                    {"serviceUrl": stubs.url("m1", label("cat")), "condition": 'instances.#(modelId=="1")'},
                    {"serviceUrl": stubs.url("m2", label("dog")), "condition": 'instances.#(modelId=="2")'},
                ],
            ),
            "breed": (
                "Ensemble",
                [
                    {"name": "m3", "serviceUrl": stubs.url("m3", label("beagle"))},
                    {"name": "m4", "serviceUrl": stubs.url("m4", label("poodle"))},
                ],
            ),
        }
    )


def test_switch_then_ensemble_on_condition(stubs):
    """A nested Switch chooses by the request, and a step's condition looks into the answer before it."""
    real, own = one(animals(stubs), stubs, {"instances": [{"modelId": "2"}]})

    assert set(real.document) == {"m3", "m4"}
    assert (own.status, own.document) == (real.status, real.document)


def test_unmet_condition_ends_the_sequence_with_200(stubs):
    """A Sequence whose step's condition is unmet answers what it has, with 200."""
    real, own = one(animals(stubs), stubs, {"instances": [{"modelId": "1"}]})

    assert real.status == 200
    assert real.document["predictions"][0]["label"] == "cat"
    assert_same(real, own)


def test_unmet_condition_hides_the_status_before_it(stubs):
    """The answer before an unmet condition goes out with 200 even where it was an error."""
    steps = [
        {"serviceUrl": stubs.url("one", {"error": "no"}, status=503)},
        {"serviceUrl": stubs.url("two", {}), "condition": "predictions"},
    ]

    real, own = one(graph({"root": ("Sequence", steps)}), stubs, {})

    assert real.status == 200
    assert_same(real, own)


def test_nested_switch_without_a_match_is_500(stubs):
    """No route in a nested Switch is a 500, while it is a 404 at the root."""
    real, own = one(animals(stubs), stubs, {"instances": [{"modelId": "3"}]})

    assert real.status == 500
    assert_same(real, own)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], set()),
        (["Test-Header-1"], {"test-header-1"}),
        (["Test-Header-1", "Authorization"], {"test-header-1", "authorization"}),
        (["Test-Header-*", "Auth*"], {"test-header-1", "test-header-2", "authorization"}),
        (["Test-Header-[0-9", "Auth*"], {"authorization"}),  # the first is no pattern and is left out
        (["traceparent"], set()),  # matched against the canonical name, case-sensitive
        (["(?i)traceparent"], {"traceparent"}),
        (["."], {"test-header-1", "test-header-2", "authorization", "traceparent"}),
    ],
)
def test_header_patterns(stubs, patterns, expected):
    """The client's headers that match a pattern reach every step, with all their values; no other does."""
    document = graph({"root": ("Sequence", [{"serviceUrl": stubs.url(name, {})} for name in ("one", "two")])})
    headers = [
        ("Authorization", "Bearer t"),
        ("Test-Header-1", "a"),
        ("test-header-1", "b"),
        ("Test-Header-2", "c"),
        ("traceparent", "00-1-2-01"),
    ]

    real, own = one(document, stubs, {}, headers=headers, propagate=patterns)

    assert len(real.calls) == 2
    for mine, call in zip(own.calls, real.calls, strict=True):
        assert set(sent(call)) == expected | {"content-type"}
        assert sent(mine) == sent(call)


def test_content_type_of_the_client_is_sent_on_only_when_propagated(stubs):
    """A step is told application/json, whatever the client said, unless Content-Type is propagated."""
    document = graph({"root": ("Sequence", [{"serviceUrl": stubs.url("one", {})}])})
    headers = [("Content-Type", "application/octet-stream")]

    plain = one(document, stubs, {}, headers=headers)
    propagated = one(document, stubs, {}, headers=headers, propagate=["Content-Type"])

    assert [sent(each.calls[0])["content-type"] for each in plain] == [["application/json"]] * 2
    assert [sent(each.calls[0])["content-type"] for each in propagated] == [["application/octet-stream"]] * 2


@pytest.mark.parametrize("url", ["http://single-1.default.{$your-domain}/switch", "ftp://127.0.0.1/x", "not a url"])
def test_malformed_url_is_500_and_stays_inside(stubs, url):
    """An address that cannot be called is a 500; ours differs on purpose: no address in the answer."""
    real, own = one(graph({"root": ("Sequence", [{"serviceUrl": url}])}), stubs, {})

    assert real.status == 500
    assert_same(real, own)
    assert b"127.0.0.1" not in own.body
    assert b"single-1" not in own.body


def test_unreachable_step(stubs):
    """Ours differs on purpose: 503 and no address, where the router says 500 and names the address."""
    document = graph(
        {"root": ("Sequence", [{"name": "first", "serviceUrl": "http://127.0.0.1:9/v2/models/gone/infer"}])}
    )

    real, own = one(document, stubs, {})

    assert (real.status, own.status) == (500, 503)
    assert b"127.0.0.1:9" in real.body
    assert b"127.0.0.1" not in own.body
    assert "'first'" in own.document["error"]


def test_step_that_cuts_the_connection(stubs):
    """Ours differs on purpose: a step that ends without an answer is 503, where the router says 500."""
    real, own = one(graph({"root": ("Sequence", [{"serviceUrl": stubs.url("one", does="cut")}])}), stubs, {})

    assert (real.status, own.status) == (500, 503)


def test_late_step(stubs):
    """Ours differs on purpose: a step beyond routerTimeouts.serviceClient is 504, where the router says 500."""
    steps = [{"serviceUrl": stubs.url("one", {}, delay=5), "dependency": "Soft"}]
    document = graph({"root": ("Sequence", steps)}, routerTimeouts={"serviceClient": 1})

    real, own = one(document, stubs, {})

    assert (real.status, own.status) == (500, 504)


def test_time_allowed_is_for_each_step(stubs):
    """The limit serviceClient is for each call, not for their sum."""
    steps = [{"serviceUrl": stubs.url(name, {}, delay=0.7)} for name in ("one", "two")]
    document = graph({"root": ("Sequence", steps)}, routerTimeouts={"serviceClient": 1})

    real, own = one(document, stubs, {})

    assert real.status == 200
    assert_same(real, own)


@pytest.mark.parametrize("weights", [(100, 0), (0, 100)])
def test_splitter_takes_the_whole_share(stubs, weights):
    """A Splitter sends everything to the step that has all the weight."""
    steps = [
        {"serviceUrl": stubs.url(f"w{weight}", {"weight": weight}, status=200 if weight else 500), "weight": weight}
        for weight in weights
    ]

    for real, own in both(graph({"root": ("Splitter", steps)}), stubs, *[b"{}"] * 20):
        assert real.document == {"weight": 100}
        assert_same(real, own)


def test_splitter_shares_alike(stubs):
    """Both share requests as the weights say: 30 of 100, within what chance allows."""
    steps = [
        {"serviceUrl": stubs.url("a", {"to": "a"}), "weight": 30},
        {"serviceUrl": stubs.url("b", {"to": "b"}), "weight": 70},
    ]

    outcomes = both(graph({"root": ("Splitter", steps)}), stubs, *[b"{}"] * 400)

    for side in (0, 1):  # 120 expected, deviation 9.2: five of them are 1 in a million
        assert 74 <= sum(outcome[side].document == {"to": "a"} for outcome in outcomes) <= 166


@pytest.mark.parametrize("data", [None, "$request", "$response.predictions", "$respons", RESPONSE])
def test_only_response_itself_chains(stubs, data):
    """Any other text in `data`, documented or misspelt, sends the node's own input."""
    steps = [{"serviceUrl": stubs.url("one", {"a": 1})}, {"serviceUrl": stubs.url("two", {"b": 2})}]
    steps[1] |= {} if data is None else {"data": data}

    real, own = one(graph({"root": ("Sequence", steps)}), stubs, {"own": 0})

    assert real.asked[1] == ("two", {"a": 1} if data == RESPONSE else {"own": 0})
    assert_same(real, own)


@pytest.mark.parametrize("dependency", [None, "Soft", "Hard"])
@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 409, 422, 500, 503])
def test_only_hard_stops(stubs, dependency, status):
    """A failed step's body is fed onward, unless the step is Hard: then its status and body are the answer."""
    if status == 204:
        steps = [{"serviceUrl": stubs.url("one", text="", status=204)}]
    else:
        steps = [{"serviceUrl": stubs.url("one", {"error": "no"}, status=status)}]
    steps[0] |= {} if dependency is None else {"dependency": dependency}
    steps.append({"serviceUrl": stubs.url("two", does="wrap"), "data": RESPONSE})

    real, own = one(graph({"root": ("Sequence", steps)}), stubs, {"own": 0})

    assert len(real.calls) == (1 if dependency == "Hard" and status >= 300 else 2)
    assert_same(real, own)


def test_hard_status_comes_through_nested_nodes(stubs):
    """A 409 of a Hard step deep in the graph is what the client sees."""
    document = graph(
        {
            "root": ("Switch", [{"nodeName": "chain", "condition": "data", "dependency": "Hard"}]),
            "chain": (
                "Sequence",
                [
                    {"serviceUrl": stubs.url("one", {"error": "pair"}, status=409), "dependency": "Hard"},
                    {"serviceUrl": stubs.url("two", {}), "data": RESPONSE},
                ],
            ),
        }
    )

    real, own = one(document, stubs, {"data": {}})

    assert (real.status, real.document) == (409, {"error": "pair"})
    assert_same(real, own)


def test_failed_hard_step_answers_for_the_ensemble(stubs):
    """The first failed Hard step, in the order of steps, gives the Ensemble's answer."""
    steps = [
        {"name": "a", "serviceUrl": stubs.url("a", {"error": "a"}, status=500)},
        {"name": "b", "serviceUrl": stubs.url("b", {"error": "b"}, status=409, delay=0.2), "dependency": "Hard"},
        {"name": "c", "serviceUrl": stubs.url("c", {"error": "c"}, status=503), "dependency": "Hard"},
    ]

    real, own = one(graph({"root": ("Ensemble", steps)}), stubs, {})

    assert (real.status, real.document) == (409, {"error": "b"})
    assert (own.status, own.document) == (real.status, real.document)


@pytest.mark.parametrize("text", ["[1]", "3", '"x"', "", "{", "not json"])
def test_ensemble_needs_objects(stubs, text):
    """An Ensemble fails with 500 where a step's answer is no JSON object."""
    steps = [{"serviceUrl": stubs.url("one", {})}, {"serviceUrl": stubs.url("two", text=text)}]

    real, own = one(graph({"root": ("Ensemble", steps)}), stubs, {})

    assert (real.status, own.status) == (500, 500)
    assert set(own.document) == {"error"}


@pytest.mark.parametrize("text", ["", "{", "nul", '{"a":1}x', "{'a':1}", "[1,]", "\ufeff{}"])
def test_switch_without_json_is_not_found(stubs, text):
    """A body that is not JSON matches no route, not even @this: 404."""
    document = graph({"root": ("Switch", [{"serviceUrl": stubs.url("any", {}), "condition": "@this"}])})

    real, own = both(document, stubs, text.encode())[0]

    assert real.status == 404
    assert_same(real, own)


@pytest.mark.parametrize("value", [{}, [], 0, "x", None, True, {"entities": None}])
def test_this_takes_every_json_body(stubs, value):
    """The condition @this takes any JSON, and null counts as there."""
    steps = [
        {"serviceUrl": stubs.url("entities", {"to": "entities"}), "condition": "entities"},
        {"serviceUrl": stubs.url("never", {"to": "never"})},  # an empty condition matches nothing
        {"serviceUrl": stubs.url("any", {"to": "any"}), "condition": "@this"},
    ]

    real, own = one(graph({"root": ("Switch", steps)}), stubs, value)

    assert real.document == {"to": "entities" if value == {"entities": None} else "any"}
    assert_same(real, own)


@pytest.mark.parametrize("text", ["", "no json"])
def test_condition_without_a_json_answer_is_500(stubs, text):
    """A condition on the first step, or after an answer that is not JSON, ends the graph with 500."""
    steps = [{"serviceUrl": stubs.url("one", text=text)}, {"serviceUrl": stubs.url("two", {}), "condition": "@this"}]
    first = [{"serviceUrl": stubs.url("one", {}), "condition": "@this"}]

    for real, own in [
        one(graph({"root": ("Sequence", steps)}), stubs, {}),
        one(graph({"root": ("Sequence", first)}), stubs, {}),
    ]:
        assert real.status == 500
        assert_same(real, own)


@pytest.mark.parametrize(
    "text",
    [
        '{"predictions":[1,2.5,null,"<&>"],"id":"x"}',
        '{"predictions":[]}',
        '{"predictions":null}',
        '{"predictions":"no list"}',
        '{"Predictions":[1]}',
        '{"predictions":[1],"PREDICTIONS":[2]}',
        '{"predictions":[1],"predictions":null}',
        '{"predictions":[1],"instances":5}',
        '{"predictions":[1],"instances":[5]}',
        "[1]",
        "no json",
        "",
        "null",
    ],
)
def test_mapping_of_predictions(stubs, text):
    """Predictions become instances and all else is dropped, or the body stays byte for byte as it is."""
    steps = [{"serviceUrl": stubs.url("one", {}), "mapPredictionsToInstances": True}]

    real, own = both(graph({"root": ("Sequence", steps)}), stubs, text.encode())[0]

    assert_same(real, own)


def test_opaque_bytes_cross_a_sequence(stubs):
    """Bodies that are not JSON go from step to step and to the client unchanged."""
    opaque = bytes(range(256)) * 3
    steps = [{"serviceUrl": stubs.url(name, does="echo"), "data": RESPONSE} for name in ("one", "two")]

    real, own = both(graph({"root": ("Sequence", steps)}), stubs, opaque)[0]

    assert real.body == opaque
    assert_same(real, own)


def test_every_step_gets_post_at_its_own_path_and_query(stubs):
    """A step's address is used verbatim, with its query, and its method is always POST."""
    url = stubs.url("one", does="echo") + "&answer=request&x=a%20b%2Fc+d"

    real, own = one(graph({"root": ("Sequence", [{"serviceUrl": url}])}), stubs, {"a": 1})

    assert [call.method for call in (*real.calls, *own.calls)] == ["POST", "POST"]
    assert_same(real, own)


def test_redirect_of_a_step(stubs):
    """A redirect without an address is an answer like any other that is not 2xx."""
    real, own = one(
        graph({"root": ("Sequence", [{"serviceUrl": stubs.url("one", {"moved": 1}, status=304)}])}), stubs, {}
    )

    assert own.status == real.status == 304

"""Where a probe goes."""

import yaml

from twinpin.graph.document import builtin
from twinpin.rollout.probing import as_json, chain, proxied


def test_the_chain_of_a_rollout_is_found_in_the_graph():
    """Preprocess, then predict; not what other rollouts share."""
    text = builtin().text().replace("http://pre", "http://r9-pre").replace("http://predict", "http://r9-predict")
    document = type(builtin()).model_validate(yaml.safe_load(text))

    assert [step.name for step in chain(document, "r9")] == ["preprocess", "predict"]


def test_who_is_outside_the_cluster_asks_through_the_api_server():
    """The address of a Service becomes a path of the API server."""
    path = proxied("http://f-predict.ns.svc.cluster.local/v2/models/predict/infer?answer=request", "ns")

    assert path == "/api/v1/namespaces/ns/services/f-predict:80/proxy/v2/models/predict/infer?answer=request"


def test_each_step_of_the_chain_is_asked_for_json():
    """Its graph asks it for raw numbers, which a probe cannot read."""
    document = type(builtin()).model_validate(yaml.safe_load(builtin().text().replace("http://p", "http://r9-p")))

    asked = [as_json(step.service_url) for step in chain(document, "r9")]

    assert asked[0].endswith("/v2/models/preprocess/infer?answer=request")
    assert asked[1].endswith("/v2/models/predict/infer")
    assert as_json("http://h/p?a=1&answer=raw") == "http://h/p?a=1&answer=request"

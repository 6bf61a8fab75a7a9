"""With the values of docs/security.md the proxy alone may call the gateway, and the graph alone a step."""

import re
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
(TEXT,) = re.findall(r"```yaml\n# values of the chart\n(.*?)```", PAGE, re.DOTALL)
VALUES = yaml.safe_load(TEXT)
PROXY = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy"}}}
VARIANTS = ("graph", "controller", "direct", "collapsed")


def peers(policy):
    """Who may call the pods of a policy: components of ours, or the whole peer; None where everybody may."""
    found = []
    for rule in policy["spec"]["ingress"]:
        assert rule.get("from"), "everybody may"
        for peer in rule["from"]:
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            found.append(labels.get("app.kubernetes.io/component") or labels.get("app") or peer)
    return found


@pytest.fixture(params=VARIANTS)
def closed(request, chart):
    """The policies of a variant, a rollout of its controller with it, by the part whose pods they close."""
    objects = chart.everything(request.param, VALUES)
    policies = [each for (kind, _), each in objects.items() if kind == "NetworkPolicy"]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in policies}


def test_nobody_but_the_proxy_reaches_the_gateway(closed):
    """And the pod of `helm test`, which comes and goes."""
    gateway = closed.get("gateway") or closed["serve"]

    assert peers(gateway) == [PROXY, "test"]


def test_nobody_but_the_graph_reaches_a_step(closed):
    """Gateway, router and the controller that asks for the recorded forecast."""
    steps = {part: policy for part, policy in closed.items() if part in ("features", "preprocess", "predict")}

    for policy in steps.values():
        assert set(peers(policy)) <= {"gateway", "controller", "isvc.forecast"}
    assert "serve" in closed or len(steps) >= 2
    if "graph" in closed:
        assert peers(closed["graph"]) == ["gateway"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_clients_are_led_to_the_proxy(chart, variant):
    """By the Ingress, which is the only way in."""
    objects = chart.objects(variant, VALUES)
    (ingress,) = [each for (kind, _), each in objects.items() if kind == "Ingress"]
    (rule,) = ingress["spec"]["rules"]

    assert [path["backend"] for path in rule["http"]["paths"]] == [
        {"service": {"name": "oauth2-proxy", "port": {"number": 4180}}}
    ]
    assert {
        each["spec"]["type"] for (kind, _), each in objects.items() if kind == "Service" and "type" in each["spec"]
    } == {"ClusterIP"}

"""manifests/auth: a proxy that asks for tokens, confined as all else, and the patch that lets in nobody but it."""

import re

import yaml
from kustomized import MANIFESTS, ROOT

DEPLOYMENT, SERVICE = yaml.safe_load_all((MANIFESTS / "auth" / "oauth2-proxy.yaml").read_text())
(CONTAINER,) = DEPLOYMENT["spec"]["template"]["spec"]["containers"]


def test_it_is_the_version_that_the_tests_run():
    """hack/oauth2-proxy builds what the manifest pulls."""
    (version,) = re.findall(r"^OAUTH2_PROXY_VERSION=(\S+)", (ROOT / "hack" / "versions").read_text(), re.MULTILINE)

    assert CONTAINER["image"].endswith(f":{version}")


def test_it_meets_the_restricted_standard():
    """As the pods beside it."""
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    own = CONTAINER["securityContext"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True)
    assert own["capabilities"] == {"drop": ["ALL"]}


def test_its_service_finds_its_pods():
    """By labels and by the port's name."""
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]

    assert SERVICE["spec"]["selector"].items() <= labels.items()
    assert {each["targetPort"] for each in SERVICE["spec"]["ports"]} == {each["name"] for each in CONTAINER["ports"]}


def test_the_pages_patch_lets_nobody_but_it_reach_the_gateway(kustomize):
    """On the component that closes everything else."""
    page = (ROOT / "docs" / "security.md").read_text()
    (text,) = re.findall(r"```yaml\n(patches:.*?)```", page, re.DOTALL)
    objects = kustomize.on_base("components/network-policy", **yaml.safe_load(text))
    policy = objects["NetworkPolicy", "forecast-gateway"]
    (upstream,) = [word for word in CONTAINER["args"] if word.startswith("--upstream=")]
    callers, *others = policy["spec"]["ingress"]
    (peer,) = callers["from"]

    assert peer["podSelector"]["matchLabels"].items() <= DEPLOYMENT["spec"]["template"]["metadata"]["labels"].items()
    assert {str(each["from"]) for each in others} <= {
        "[{'namespaceSelector': {'matchLabels': {'kubernetes.io/metadata.name': 'monitoring'}}}]"
    }
    assert ("Service", upstream.removeprefix("--upstream=http://")) in objects

"""The chart, rendered by Helm with KServe's resources said to be served."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from go_tools import tool

from twinpin.rollout.template import Template

CHART = Path(__file__).parents[2] / "helm" / "twinpin"
SERVED = ("serving.kserve.io/v1beta1/InferenceService", "serving.kserve.io/v1alpha1/InferenceGraph")
#: A pair for which a controller makes a rollout.
ROLLOUT = "p7-m12-3fa9c1"
VARIANTS = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))


class Chart:
    """Renders a variant of helm/twinpin/ci, with changes."""

    folder = CHART
    namespace = "demo"

    def __init__(self, helm):
        self._helm = helm
        self._rendered = {}

    def attempt(self, variant, changes=None):
        """Render, whatever comes of it; without a variant from the changes alone."""
        command = [self._helm, "template", "forecast", str(CHART), "--namespace", self.namespace]
        command += [word for name in SERVED for word in ("--api-versions", name)]
        command += ["--values", str(CHART / "ci" / f"{variant}-values.yaml")] if variant else []
        command += ["--kube-version", "1.34.0", "--values", "-"]
        return subprocess.run(command, input=json.dumps(changes or {}), capture_output=True, text=True, check=False)

    def objects(self, variant, changes=None):
        """Render what must render, once; gives the objects by kind and name."""
        wanted = json.dumps([variant, changes])
        if wanted not in self._rendered:
            done = self.attempt(variant, changes)
            assert done.returncode == 0, done.stderr
            rendered = [each for each in yaml.safe_load_all(done.stdout) if each]
            found = {(each["kind"], each["metadata"]["name"]): each for each in rendered}
            assert len(found) == len(rendered)
            self._rendered[wanted] = found
        return self._rendered[wanted]

    def everything(self, variant, changes=None):
        """Render, and add what the controller makes of one pair, where there is one."""
        objects = self.objects(variant, changes)
        if (template := template_of(objects)) is None:
            return objects
        graph = [template.document(ROLLOUT).data()] if template.makes_graph else []
        made = [*template.documents(ROLLOUT), *graph]
        added = {(each["kind"], each["metadata"]["name"]): each for each in made}
        assert len(added) == len(made)
        assert not added.keys() & objects.keys()
        return objects | added

    def refusal(self, variant, changes):
        """Render what must not; gives what Helm says."""
        done = self.attempt(variant, changes)
        assert done.returncode != 0, "Helm took it"
        return done.stderr


def template_of(objects):
    """Read the controller's template; None where there is no controller."""
    found = [each for (kind, name), each in objects.items() if kind == "ConfigMap" and name.endswith("-template")]
    return Template.parse(found[0]["data"]) if found else None


def pod_specs(objects):
    """List the pods that objects of ours lead to: name, labels that Services see, spec."""
    for (kind, name), found in objects.items():
        if kind == "InferenceService":
            labels = {"app": f"isvc.{name}-predictor", **found["metadata"]["labels"]}
            yield f"{name}-predictor", labels, found["spec"]["predictor"]
        elif kind == "Deployment":
            template = found["spec"]["template"]
            yield name, template["metadata"]["labels"], template["spec"]
        elif kind == "Pod":
            yield name, found["metadata"]["labels"], found["spec"]


def containers(spec):
    """List the containers of a pod, those that come first first."""
    return [*spec.get("initContainers", []), *spec["containers"]]


@pytest.fixture(scope="session")
def chart():
    """The chart, and a Helm: the one on PATH, else that of hack/tools, which needs Go to build it."""
    return Chart(tool("helm"))


@pytest.fixture(params=VARIANTS)
def variant(request):
    """Each variant that the chart's own checks render too."""
    return request.param


@pytest.fixture
def objects(chart, variant):
    """Everything that a variant makes, a rollout of its controller with it."""
    return chart.everything(variant)


@pytest.fixture
def pods(objects):
    """Every pod that a variant leads to, KServe's router aside."""
    return [*pod_specs(objects)]


@pytest.fixture
def environments(pods):
    """The environment of every container of ours, each with the words after `twinpin`."""
    return [
        (each.get("args", []), {entry["name"]: entry.get("value") for entry in each.get("env", [])})
        for _, _, spec in pods
        for each in containers(spec)
    ]

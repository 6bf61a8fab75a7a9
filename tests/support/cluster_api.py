"""The cluster at KUBECONFIG: its objects as plain dicts, in all of it and in one namespace."""

import json

from cluster_tools import attempt, documents, run
from cluster_waits import ready, rolled_out, until

#: API versions of what the tests look at; all else goes through kubectl.
VERSIONS = {
    "ClusterStorageContainer": "serving.kserve.io/v1alpha1",
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "Event": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "InferenceGraph": "serving.kserve.io/v1alpha1",
    "InferenceService": "serving.kserve.io/v1beta1",
    "Lease": "coordination.k8s.io/v1",
    "Namespace": "v1",
    "Node": "v1",
    "PairedGraph": "twinpin.dev/v1alpha1",
    "PersistentVolume": "v1",
    "PersistentVolumeClaim": "v1",
    "Pod": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
}
_NOT_FOUND = 404


class Api:
    """What the cluster holds."""

    def __init__(self):
        # Half a second, which whoever only lists the tests need not wait.
        from kubernetes import config, dynamic  # noqa: PLC0415

        self._client = config.new_client_from_config()
        self._dynamic = dynamic.DynamicClient(self._client)

    def close(self):
        """Close the connections."""
        self._client.close()

    def get(self, kind, name, namespace=None):
        """Read one object; None where there is none."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 -- as above

        try:
            return self._of(kind).get(name=name, namespace=namespace).to_dict()
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, kind, namespace=None, **labels):
        """List objects by their labels; a word with _ is a Kubernetes label with its usual prefix."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        return self._of(kind).get(namespace=namespace, label_selector=selector or None).to_dict()["items"]

    def _of(self, kind):
        """Find the resource of a kind."""
        return self._dynamic.resources.get(api_version=VERSIONS[kind], kind=kind)


class Namespace:
    """One namespace and everything that is asked about it."""

    def __init__(self, api, name):
        self.api, self.name = api, name

    def kubectl(self, *words, stdin=None):
        """Run kubectl in it."""
        return run("kubectl", "--namespace", self.name, *words, stdin=stdin)

    def apply(self, *objects):
        """Create objects or bring them up to date."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=documents(*objects))

    def get(self, kind, name):
        """Read one object; None where there is none."""
        return self.api.get(kind, name, self.name)

    def list(self, kind, **labels):
        """List objects."""
        return self.api.list(kind, self.name, **labels)

    def pods(self, deployment):
        """List the pods that a Deployment's selector means and that are not being deleted, oldest first."""
        found = self.get("Deployment", deployment)
        labels = found["spec"]["selector"]["matchLabels"] if found else {"absent": "absent"}
        pods = [pod for pod in self.list("Pod", **labels) if "deletionTimestamp" not in pod["metadata"]]
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def await_rollout(self, *deployments, seconds=240.0):
        """Wait until every replica of some Deployments is ready."""
        for name in deployments:
            until(f"rollout of {name}", lambda name=name: rolled_out(self.get("Deployment", name)), seconds)

    def await_pods(self, deployment, number, seconds=240.0):
        """Wait until this many pods of a Deployment are ready; returns them."""

        def look():
            pods = self.pods(deployment)
            return sum(map(ready, pods)) == number == len(pods), pods

        return until(f"{number} ready pods of {deployment}", look, seconds)

    def ready_pods(self, deployment):
        """List those that are ready."""
        return [pod for pod in self.pods(deployment) if ready(pod)]

    def await_gone(self, pod, seconds=90.0):
        """Wait until a pod that was deleted is no more."""
        until(f"the end of {pod}", lambda: self.get("Pod", pod) is None, seconds)

    def scale(self, deployment, replicas):
        """Say how many replicas a Deployment of ours has."""
        self.kubectl("scale", "deployment", deployment, f"--replicas={replicas}")

    def delete_pod(self, name, *, force=False):
        """Delete a pod: with its grace, or as a lost machine takes it."""
        self.kubectl("delete", "pod", name, "--wait=false", *(("--grace-period=0", "--force") if force else ()))

    def python(self, pod, code, container=None):
        """Run Python in a container; returns the finished kubectl."""
        where = ("-c", container) if container else ()
        return attempt("kubectl", "-n", self.name, "exec", pod, *where, "--", "python", "-c", code)

    def events(self, about):
        """List the events on one object, by name."""
        return [each for each in self.list("Event") if each["involvedObject"]["name"] == about]

    def contents(self):
        """Name every object in it, of every kind that the API server lists; events come and go by themselves."""
        kinds = run("kubectl", "api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
        skipped = ("events", "events.events.k8s.io", "pods.metrics.k8s.io")
        wanted = ",".join(kind for kind in kinds if kind not in skipped)
        found = json.loads(self.kubectl("get", wanted, "--ignore-not-found", "-o", "json") or '{"items": []}')
        return sorted(f"{each['kind']}/{each['metadata']['name']}" for each in found["items"])

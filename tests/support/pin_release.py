"""A release as its Pins see it: a namespace with their owner, and an account that may do what the chart lets it."""

import base64
import os
import subprocess
import time
import uuid
from pathlib import Path

import yaml
from api_server import program
from kubernetes import client, config


class Release:
    """A namespace in which a release was installed: the owner of its Pins, and an account with a release's rights."""

    OWNER = "forecast-pair"
    ACCOUNT = "forecast-resolve"

    def __init__(self, kubeconfig, folder):
        self._kubeconfig = Path(kubeconfig)
        self._folder = Path(folder)
        self.namespace = f"pins-{uuid.uuid4().hex[:8]}"
        self.core = client.CoreV1Api(config.new_client_from_config(config_file=str(kubeconfig)))
        self.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=self.namespace)))
        self.own()
        self.core.create_namespaced_service_account(
            self.namespace, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name=self.ACCOUNT))
        )

    def own(self):
        """Make the owner of the Pins, as an installation does."""
        made = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=self.OWNER))
        return self.core.create_namespaced_config_map(self.namespace, made).metadata.uid

    def uninstall(self):
        """Delete the owner, as an uninstallation does."""
        self.core.delete_namespaced_config_map(self.OWNER, self.namespace)

    def grant(self, *, events=True, rollouts=("r1",)):
        """Give the account the rights that the chart gives it."""
        names = (self.OWNER, *(f"{self.OWNER}-{rollout}" for rollout in rollouts))
        only = (f"--resource-name={name}" for name in names)
        self.kubectl("create", "role", "get", "--verb=get", "--resource=configmaps", *only)
        created = "configmaps,events" if events else "configmaps"
        self.kubectl("create", "role", "create", "--verb=create", f"--resource={created}")
        for role in ("get", "create"):
            self.kubectl(
                *("create", "rolebinding", role, f"--role={role}"),
                f"--serviceaccount={self.namespace}:{self.ACCOUNT}",
            )
        self.await_right("create", "configmaps")
        for name in names:
            self.await_right("get", "configmaps", name)

    def await_right(self, verb, resource, name=None):
        """Wait until the server knows of a right: it learns of its Roles a little later than it stores them."""
        right = client.V1ResourceAttributes(namespace=self.namespace, verb=verb, resource=resource, name=name)
        user = f"system:serviceaccount:{self.namespace}:{self.ACCOUNT}"
        review = client.V1SubjectAccessReview(
            spec=client.V1SubjectAccessReviewSpec(user=user, resource_attributes=right)
        )
        asking = client.AuthorizationV1Api(self.core.api_client)
        deadline = time.monotonic() + 10
        while not asking.create_subject_access_review(review).status.allowed:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{user} was never allowed to {verb} {resource} {name or ''}")
            time.sleep(0.02)

    def kubectl(self, *arguments):
        """Run kubectl as the administrator; returns what it printed."""
        done = subprocess.run(
            [program("kubectl"), f"--kubeconfig={self._kubeconfig}", f"--namespace={self.namespace}", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def mend(self, command):
        """Run a command that an error proposes, as the administrator would."""
        folder = str(Path(program("kubectl")).parent)
        environment = {"KUBECONFIG": str(self._kubeconfig), "PATH": f"{folder}:{os.environ['PATH']}"}
        subprocess.run(command, shell=True, check=True, env=environment, capture_output=True)

    def token(self):
        """Issue a token of the account."""
        asked = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
        return self.core.create_namespaced_service_account_token(self.ACCOUNT, self.namespace, asked).status.token

    @property
    def cluster(self):
        """Where the server is."""
        document = yaml.safe_load(self._kubeconfig.read_text())
        current = next(each for each in document["contexts"] if each["name"] == document["current-context"])
        return next(each for each in document["clusters"] if each["name"] == current["context"]["cluster"])["cluster"]

    def authority(self):
        """Name a file with the certificate of who signed the server's."""
        data = self.cluster.get("certificate-authority-data")
        if data is None:
            return self.cluster["certificate-authority"]
        place = self._folder / "authority.crt"
        place.write_bytes(base64.b64decode(data))
        return str(place)

    def login(self, **cluster):
        """Write a kubeconfig of the account; *cluster* is what of the server is to be otherwise."""
        known = {} if "certificate-authority" in cluster else self.cluster
        place = self._folder / f"kubeconfig-{uuid.uuid4().hex[:8]}"
        context = {"cluster": "c", "user": "u", "namespace": self.namespace}
        place.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": self.cluster["server"], **known, **cluster}}],
                    "users": [{"name": "u", "user": {"token": self.token()}}],
                    "contexts": [{"name": "x", "context": context}],
                    "current-context": "x",
                }
            )
        )
        return place

    def pin(self, rollout="r1"):
        """Read the ConfigMap of a Pin as the server keeps it."""
        return self.core.read_namespaced_config_map(f"{self.OWNER}-{rollout}", self.namespace)

    def put(self, pin, name="forecast-pair-r1", **more):
        """Put a ConfigMap there by hand; *pin* is the text of it."""
        made = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data={"pin.json": pin}, **more)
        self.core.create_namespaced_config_map(self.namespace, made)

    def events(self, pod):
        """List the events of a pod, oldest first: type, reason, message."""
        found = self.core.list_namespaced_event(self.namespace, field_selector=f"involvedObject.name={pod}").items
        found.sort(key=lambda each: int(each.metadata.resource_version))
        return [(each.type, each.reason, each.message) for each in found]

    def close(self):
        """Let the namespace go."""
        self.core.delete_namespace(self.namespace)

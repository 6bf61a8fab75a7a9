"""Every pod of every variant meets the restricted Pod Security Standard, and the API token goes where it must alone."""

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
#: What the standard lets a pod mount.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def containers(spec):
    """List the containers of a pod."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def test_containers_may_do_nothing_that_the_standard_forbids(pods):
    """Whatever the values say."""
    assert pods
    for name, _, spec in pods:
        for each in containers(spec):
            assert each["securityContext"] == RESTRICTED, (name, each["name"])
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_pods_mount_what_the_standard_allows(pods):
    """Nothing of the node."""
    kinds = {kind for _, _, spec in pods for each in spec["volumes"] for kind in each if kind != "name"}

    assert kinds <= VOLUMES


def follows(container):
    """Whether a container follows the alias itself: it serves, and agrees with others on a record."""
    return any(each["name"] == "TWINPIN_FOLLOW" and each["value"] == "true" for each in container.get("env", []))


def test_only_what_pins_a_pair_has_a_token(pods):
    """A step that is taken over finds no way to the API server, but for one that follows the alias by itself."""
    for name, _, spec in pods:
        assert spec["automountServiceAccountToken"] is False, name
        holders = [
            each["name"]
            for each in containers(spec)
            if any(mount["mountPath"] == TOKEN for mount in each["volumeMounts"])
        ]
        own = [each["name"] for each in containers(spec) if each.get("args") == ["controller"] or follows(each)]
        assert holders == [each["name"] for each in spec.get("initContainers", [])] + own, name


def test_only_what_pins_a_pair_may_write_it(pods):
    """A step that is taken over cannot change what it serves."""
    for name, _, spec in pods:
        for each in containers(spec):
            writable = {mount["name"] for mount in each["volumeMounts"] if not mount.get("readOnly")}
            assert ("pair" in writable) <= (each["name"] == "resolve" or follows(each)), (name, each["name"])


def test_every_container_says_what_it_needs(pods):
    """Without requests the scheduler guesses, and autoscaling by CPU has nothing to divide by."""
    for name, _, spec in pods:
        for each in containers(spec):
            assert set(each["resources"]["requests"]) >= {"cpu", "memory"}, (name, each["name"])
            assert "memory" in each["resources"]["limits"], (name, each["name"])


def test_writable_folders_have_a_limit(pods):
    """A full node takes other pods with it."""
    unlimited = [name for name, _, spec in pods for each in spec["volumes"] if each.get("emptyDir") == {}]

    assert unlimited == []


def test_kserve_leads_nobody_to_a_step(objects):
    """It makes an Ingress or a route, where it is set up to, for all but what is of the cluster alone."""
    services = [each for (kind, _), each in objects.items() if kind == "InferenceService"]

    assert services
    assert {each["metadata"]["labels"]["networking.kserve.io/visibility"] for each in services} == {"cluster-local"}
